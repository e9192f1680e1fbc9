package ghsim

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app"
)

// maxInline is the largest file, in bytes, whose content GitHub puts into JSON.
const maxInline = 1 << 20

// entry is how the contents API shows a file or a folder.
func (v view) entry(r *repository, ref, path, kind, sha string, size int) object {
	name := path[strings.LastIndex(path, "/")+1:]
	api := v.api + "/repos/" + r.fullName()
	url := api + "/contents/" + path + "?ref=" + ref
	git, page, download := api+"/git/blobs/"+sha, v.web+"/"+r.fullName()+"/blob/"+ref+"/"+path, any(v.web+"/"+r.fullName()+"/raw/"+ref+"/"+path)
	if kind == "dir" {
		git, page, download = api+"/git/trees/"+sha, v.web+"/"+r.fullName()+"/tree/"+ref+"/"+path, nil
	}
	return object{
		"type": kind, "size": size, "name": name, "path": path, "sha": sha, "url": url, "git_url": git,
		"html_url": page, "download_url": download, "_links": object{"self": url, "git": git, "html": page},
	}
}

// getContents reads a file or lists a folder at a ref.
func (c *call) getContents() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	ref := c.query("ref")
	k := c.resolve(r, ref)
	if k == nil {
		return reply{}, &problem{status: http.StatusNotFound, message: "No commit found for the ref " + ref}
	}
	if ref == "" {
		ref = r.defaultBranch
	}
	path := strings.Trim(c.vars["path"], "/")
	if text, is := k.files[path]; is {
		if accept := c.request.Header.Get("Accept"); strings.Contains(accept, "raw") {
			c.header.Set("Content-Type", "application/vnd.github.raw; charset=utf-8")
			return ok([]byte(text))
		}
		file := c.entry(r, ref, path, "file", blobSHA(text), len(text))
		file["encoding"], file["content"] = "base64", wrapped(text)
		if len(text) > maxInline {
			file["encoding"], file["content"] = "none", ""
		}
		return ok(file)
	}
	list := c.folder(r, k, ref, path)
	if len(list) == 0 && path != "" {
		return reply{}, errNotFound
	}
	return ok(list)
}

// folder lists what stands directly in a folder.
func (v view) folder(r *repository, k *commit, ref, path string) []object {
	prefix := path
	if prefix != "" {
		prefix += "/"
	}
	list := []object{}
	seen := map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(k.files)) {
		rest, inside := strings.CutPrefix(p, prefix)
		if !inside {
			continue
		}
		name, _, deeper := strings.Cut(rest, "/")
		if seen[name] {
			continue
		}
		seen[name] = true
		if deeper {
			list = append(list, v.entry(r, ref, prefix+name, "dir", blobSHA(prefix+name+k.sha), 0))
		} else {
			list = append(list, v.entry(r, ref, p, "file", blobSHA(k.files[p]), len(k.files[p])))
		}
	}
	return list
}

// wrapped is base64 in lines of 60, as GitHub sends it.
func wrapped(text string) string {
	var b strings.Builder
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte(text))), 60) {
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// putContents writes one file with a commit of its own.
func (c *call) putContents() (reply, error) {
	return c.writeContents(func(in contentsInput) (*string, error) {
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", ""))
		if err != nil {
			return nil, unprocessable("content is not valid Base64")
		}
		content := string(text)
		return &content, nil
	})
}

func (c *call) deleteContents() (reply, error) {
	return c.writeContents(func(contentsInput) (*string, error) { return nil, nil })
}

type contentsInput struct{ Message, Content, SHA, Branch string }

func (c *call) writeContents(content func(contentsInput) (*string, error)) (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionWrite); err != nil {
		return reply{}, err
	}
	var in contentsInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Branch == "" {
		in.Branch = r.defaultBranch
	}
	path := strings.Trim(c.vars["path"], "/")
	head := c.resolve(r, in.Branch)
	if head == nil {
		return reply{}, &problem{status: http.StatusNotFound, message: "Branch " + in.Branch + " not found"}
	}
	old, exists := head.files[path]
	if exists && in.SHA != blobSHA(old) {
		return reply{}, &problem{status: http.StatusConflict, message: path + " does not match " + in.SHA}
	}
	text, err := content(in)
	if err != nil {
		return reply{}, err
	}
	k := c.commit(c.auth.account(), in.Message, changed(head.files, map[string]*string{path: text}), head.sha)
	c.update(r, in.Branch, k, c.auth.account())
	var file any
	if text != nil {
		file = c.entry(r, in.Branch, path, "file", blobSHA(*text), len(*text))
	}
	body := object{"content": file, "commit": c.gitCommit(r, k)}
	if exists {
		return ok(body)
	}
	return created(body)
}

// gitCommit is git's own view of a commit, without people's accounts.
func (v view) gitCommit(r *repository, k *commit) object {
	whole := v.commitObject(r, k)
	inner := whole["commit"].(object)
	return object{"sha": k.sha, "node_id": whole["node_id"], "url": inner["url"], "html_url": whole["html_url"],
		"author": inner["author"], "committer": inner["committer"], "message": k.message, "tree": inner["tree"],
		"parents": whole["parents"], "verification": inner["verification"]}
}

func (c *call) getCommit() (reply, error) {
	r, k, err := c.repositoryCommit("ref")
	if err != nil {
		return reply{}, err
	}
	if strings.Contains(c.request.Header.Get("Accept"), "sha") {
		c.header.Set("Content-Type", "application/vnd.github.sha; charset=utf-8")
		return ok([]byte(k.sha))
	}
	before := &commit{}
	if p := c.commits[first(k.parents)]; p != nil {
		before = p
	}
	files := c.difference(r, before, k)
	added, removed := lines(files)
	return ok(with(c.commitObject(r, k), object{"files": files,
		"stats": object{"additions": added, "deletions": removed, "total": added + removed}}))
}

func lines(files []object) (added, removed int) {
	for _, f := range files {
		added += f["additions"].(int)
		removed += f["deletions"].(int)
	}
	return added, removed
}

// repositoryCommit finds the commit that a part of the path names.
func (c *call) repositoryCommit(name string) (*repository, *commit, error) {
	r, err := c.repository()
	if err != nil {
		return nil, nil, err
	}
	k := c.resolve(r, c.vars[name])
	if k == nil {
		return nil, nil, unprocessable("No commit found for SHA: " + c.vars[name])
	}
	return r, k, nil
}

func (c *call) listCommits() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	k := c.resolve(r, c.query("sha"))
	if k == nil {
		return reply{}, errNotFound
	}
	all := c.history("", k.sha)
	slices.Reverse(all)
	return ok(render(page(c, all), func(k *commit) object { return c.commitObject(r, k) }))
}

func (c *call) compare() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	base, head := c.resolve(r, c.vars["base"]), c.resolve(r, c.vars["head"])
	if base == nil || head == nil {
		return reply{}, errNotFound
	}
	ahead, behind := c.history(base.sha, head.sha), c.history(head.sha, base.sha)
	status := "identical"
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		status = "diverged"
	case len(ahead) > 0:
		status = "ahead"
	case len(behind) > 0:
		status = "behind"
	}
	fork := c.mergeBase(base.sha, head.sha)
	if fork == nil {
		fork = base
	}
	span := c.vars["base"] + "..." + c.vars["head"]
	web := c.web + "/" + r.fullName() + "/compare/"
	return ok(object{
		"url": c.api + "/repos/" + r.fullName() + "/compare/" + span, "html_url": web + span, "permalink_url": web + span,
		"diff_url": web + span + ".diff", "patch_url": web + span + ".patch", "base_commit": c.commitObject(r, base),
		"merge_base_commit": c.commitObject(r, fork), "status": status, "ahead_by": len(ahead), "behind_by": len(behind),
		"total_commits": len(ahead), "commits": render(page(c, ahead), func(k *commit) object { return c.commitObject(r, k) }),
		"files": c.difference(r, fork, head),
	})
}

// mergeBase is the youngest commit both sides have, nil when there is none.
func (s *Server) mergeBase(a, b string) *commit {
	known := s.reachable(a, nil)
	var best *commit
	for sha := range s.reachable(b, nil) {
		if k := s.commits[sha]; known[sha] && (best == nil || k.order > best.order) {
			best = k
		}
	}
	return best
}

func (c *call) getRef() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	branch, isBranch := strings.CutPrefix(c.vars["ref"], "heads/")
	k := c.commits[r.branches[branch]]
	if !isBranch || k == nil {
		return reply{}, errNotFound
	}
	api := c.api + "/repos/" + r.fullName()
	return ok(object{"ref": "refs/heads/" + branch, "node_id": nodeID("Ref", r.fullName()+branch), "url": api + "/git/refs/heads/" + branch,
		"object": object{"type": "commit", "sha": k.sha, "url": api + "/git/commits/" + k.sha}})
}

func (c *call) getBranch() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	name := c.vars["branch"]
	k := c.commits[r.branches[name]]
	if k == nil {
		return reply{}, &problem{status: http.StatusNotFound, message: "Branch not found"}
	}
	url := c.api + "/repos/" + r.fullName() + "/branches/" + name
	contexts := append([]string{}, r.required[name]...)
	return ok(object{
		"name": name, "commit": c.commitObject(r, k), "protected": len(contexts) > 0,
		"_links":         object{"self": url, "html": c.web + "/" + r.fullName() + "/tree/" + name},
		"protection_url": url + "/protection",
		"protection": object{"enabled": len(contexts) > 0, "required_status_checks": object{
			"enforcement_level": map[bool]string{true: "non_admins", false: "off"}[len(contexts) > 0], "contexts": contexts, "checks": []object{}}},
	})
}

func (c *call) listBranches() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	names := slices.Sorted(maps.Keys(r.branches))
	return ok(render(page(c, names), func(name string) object {
		sha := r.branches[name]
		return object{"name": name, "protected": len(r.required[name]) > 0,
			"commit": object{"sha": sha, "url": fmt.Sprintf("%s/repos/%s/commits/%s", c.api, r.fullName(), sha)}}
	}))
}
