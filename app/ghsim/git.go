package ghsim

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// zeroSHA stands for "no commit" in events.
const zeroSHA = "0000000000000000000000000000000000000000"

// commit is a commit with a snapshot of all files.
type commit struct {
	sha     string
	order   int64
	parents []string
	message string
	author  *account
	at      time.Time
	files   map[string]string
}

// blobSHA is git's own hash of a file.
func blobSHA(content string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

// treeSHA is a hash of the whole snapshot.
func (k *commit) treeSHA() string {
	sum := sha1.New()
	for _, path := range slices.Sorted(maps.Keys(k.files)) {
		fmt.Fprintf(sum, "%s\x00%s\x00", path, k.files[path])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// commit makes a commit on top of its parents.
func (s *Server) commit(author *account, message string, files map[string]string, parents ...string) *commit {
	k := &commit{order: s.id(), parents: parents, message: message, author: author, at: s.now(), files: files}
	sum := sha1.Sum(fmt.Appendf(nil, "%d %s %v %s", k.order, k.treeSHA(), parents, message))
	k.sha = hex.EncodeToString(sum[:])
	s.commits[k.sha] = k
	return k
}

// changed is a snapshot with changes laid over it; a nil content removes.
func changed(files map[string]string, changes map[string]*string) map[string]string {
	out := maps.Clone(files)
	if out == nil {
		out = map[string]string{}
	}
	for path, content := range changes {
		if content == nil {
			delete(out, path)
		} else {
			out[path] = *content
		}
	}
	return out
}

// contents turns plain files into changes that write them.
func contents(files map[string]string) map[string]*string {
	out := make(map[string]*string, len(files))
	for path, content := range files {
		out[path] = &content
	}
	return out
}

// resolve finds the commit a ref names: a branch, refs/heads/…, pull/N/head, a
// commit, or the default branch when empty.
func (s *Server) resolve(r *repository, ref string) *commit {
	if ref == "" || ref == "HEAD" {
		ref = r.defaultBranch
	}
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "refs/"), "heads/")
	if sha := r.branches[ref]; sha != "" {
		return s.commits[sha]
	}
	var number int
	if n, _ := fmt.Sscanf(ref, "pull/%d/head", &number); n == 1 {
		if i := r.issues[number]; i != nil && i.pull != nil {
			return s.commits[i.pull.headSHA]
		}
	}
	return s.commits[ref]
}

// history lists what the head reaches and the base does not, oldest first.
func (s *Server) history(base, head string) []*commit {
	known := s.reachable(base, nil)
	var out []*commit
	for sha := range s.reachable(head, known) {
		out = append(out, s.commits[sha])
	}
	slices.SortFunc(out, func(a, b *commit) int { return cmp.Compare(a.order, b.order) })
	return out
}

// reachable collects a commit and all its ancestors but those left out.
func (s *Server) reachable(from string, without map[string]bool) map[string]bool {
	found := map[string]bool{}
	queue := []string{from}
	for len(queue) > 0 {
		sha := queue[0]
		queue = queue[1:]
		if k := s.commits[sha]; k != nil && !found[sha] && !without[sha] {
			found[sha] = true
			queue = append(queue, k.parents...)
		}
	}
	return found
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func (v view) gitUser(a *account, at time.Time) object {
	return object{"name": a.login, "email": a.login + "@users.noreply.ghsim.test", "date": stamp(at)}
}

func unverified() object {
	return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

// commitObject renders a commit of the repository.
func (v view) commitObject(r *repository, k *commit) object {
	api := v.api + "/repos/" + r.fullName()
	web := v.web + "/" + r.fullName()
	parents := []object{}
	for _, p := range k.parents {
		parents = append(parents, object{"sha": p, "url": api + "/commits/" + p, "html_url": web + "/commit/" + p})
	}
	author := any(object{})
	if !k.author.deleted {
		author = v.simpleUser(k.author)
	}
	return object{
		"sha": k.sha, "node_id": nodeID("Commit", k.sha), "url": api + "/commits/" + k.sha,
		"html_url": web + "/commit/" + k.sha, "comments_url": api + "/commits/" + k.sha + "/comments",
		"commit": object{
			"url": api + "/git/commits/" + k.sha, "message": k.message, "comment_count": 0,
			"author": v.gitUser(k.author, k.at), "committer": v.gitUser(k.author, k.at),
			"tree": object{"sha": k.treeSHA(), "url": api + "/git/trees/" + k.treeSHA()}, "verification": unverified(),
		},
		"author": author, "committer": author, "parents": parents,
	}
}

// difference lists the files that differ between two snapshots.
func (v view) difference(r *repository, before, after *commit) []object {
	paths := map[string]bool{}
	for p := range before.files {
		paths[p] = true
	}
	for p := range after.files {
		paths[p] = true
	}
	out := []object{}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		old, had := before.files[p]
		text, has := after.files[p]
		if had == has && old == text {
			continue
		}
		status := "modified"
		switch {
		case !had:
			status = "added"
		case !has:
			status, text = "removed", ""
		}
		added, removed := countLines(text), countLines(old)
		web := v.web + "/" + r.fullName()
		out = append(out, object{
			"sha": blobSHA(text), "filename": p, "status": status, "additions": added, "deletions": removed,
			"changes": added + removed, "blob_url": web + "/blob/" + after.sha + "/" + p,
			"raw_url":      web + "/raw/" + after.sha + "/" + p,
			"contents_url": v.api + "/repos/" + r.fullName() + "/contents/" + p + "?ref=" + after.sha,
			"patch":        fmt.Sprintf("@@ -1,%d +1,%d @@", removed, added),
		})
	}
	return out
}

func countLines(text string) int {
	if text == "" {
		return 0
	}
	return strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
}

// update moves a branch to a commit and tells about the push, also the open
// pull requests whose head it is.
func (s *Server) update(r *repository, branch string, k *commit, by *account) {
	before := r.branches[branch]
	r.branches[branch] = k.sha
	r.pushed, r.updated = s.now(), s.now()
	s.pushEvent(r, branch, before, k, by)
	for _, target := range s.repositories {
		for _, i := range target.sorted() {
			if p := i.pull; p != nil && i.state == "open" && p.head == r && p.headRef == branch {
				p.headSHA = k.sha
				i.updated = s.now()
				s.pullEvent(i, "synchronize", by, object{"before": before, "after": k.sha})
			}
		}
	}
}

// pushEvent sends the push; its repository has numbers for dates, as GitHub's.
func (s *Server) pushEvent(r *repository, branch, before string, k *commit, by *account) {
	v := s.view()
	list := []object{}
	for _, one := range s.history(before, k.sha) {
		list = append(list, v.pushedCommit(r, one))
	}
	if len(list) > 20 {
		list = list[len(list)-20:]
	}
	from := before
	if from == "" {
		from = zeroSHA
	}
	repo := with(v.repository(r), object{
		"created_at": r.created.Unix(), "pushed_at": r.pushed.Unix(), "stargazers": 0, "master_branch": r.defaultBranch,
		"owner": with(v.simpleUser(r.owner), object{"name": r.owner.login, "email": nil}),
	})
	s.emit(event{name: "push", repository: r, sender: by, fields: object{
		"ref": "refs/heads/" + branch, "before": from, "after": k.sha, "base_ref": nil, "created": before == "",
		"deleted": false, "forced": false, "compare": v.web + "/" + r.fullName() + "/compare/" + from[:12] + "..." + k.sha[:12],
		"commits": list, "head_commit": v.pushedCommit(r, k), "repository": repo,
		"pusher": object{"name": by.login, "email": by.login + "@users.noreply.ghsim.test"},
	}})
}

func (v view) pushedCommit(r *repository, k *commit) object {
	added, removed, modified := []string{}, []string{}, []string{}
	before := &commit{}
	if p := v.commits[first(k.parents)]; p != nil {
		before = p
	}
	for _, f := range v.difference(r, before, k) {
		name := f["filename"].(string)
		switch f["status"] {
		case "added":
			added = append(added, name)
		case "removed":
			removed = append(removed, name)
		default:
			modified = append(modified, name)
		}
	}
	person := object{"name": k.author.login, "email": k.author.login + "@users.noreply.ghsim.test", "username": k.author.login}
	return object{
		"id": k.sha, "tree_id": k.treeSHA(), "distinct": true, "message": k.message, "timestamp": stamp(k.at),
		"url": v.web + "/" + r.fullName() + "/commit/" + k.sha, "author": person, "committer": person,
		"added": added, "removed": removed, "modified": modified,
	}
}
