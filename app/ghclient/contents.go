package ghclient

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 256 << 10

// File reads a file at a branch, tag or commit ("" for the default branch).
// CodeNotFound when it is not there; CodeInvalid when it is no file (a folder, a
// submodule, a link that leads nowhere) or larger than MaxFile.
func (c *RepoClient) File(ctx context.Context, path, ref string) (app.File, error) {
	doing := fmt.Sprintf("reading %s of %s", tidy(path), c)
	if path == "" || strings.Contains(path, "..") {
		return app.File{}, app.Errorf(app.CodeInvalid, "%s: this is no path of a file", doing)
	}
	found, err := repoCall(ctx, c, doing,
		func(ctx context.Context, client *github.Client, owner, name string) (*github.RepositoryContent, *github.Response, error) {
			file, _, response, err := client.Repositories.GetContents(ctx, owner, name, path, &github.RepositoryContentGetOptions{Ref: ref})
			return file, response, err
		})
	switch {
	case err != nil:
		return app.File{}, err
	case !isFile(found):
		return app.File{}, app.Errorf(app.CodeInvalid, "%s: it is not a file", doing)
	case found.GetSize() > MaxFile:
		return app.File{}, app.Errorf(app.CodeInvalid, "%s: it is larger than %d KiB", doing, MaxFile>>10)
	}
	content, err := found.GetContent()
	if err != nil {
		return app.File{}, &app.Error{Code: app.CodeUnavailable, Message: doing + ": the content cannot be decoded", Err: err}
	}
	if len(content) > MaxFile {
		return app.File{}, app.Errorf(app.CodeInvalid, "%s: it is larger than %d KiB", doing, MaxFile>>10)
	}
	return app.File{Content: []byte(content), SHA: found.GetSHA()}, nil
}

// isFile reports whether what was found at a path is a file. What does not say what it is
// is one if it has content.
func isFile(found *github.RepositoryContent) bool {
	if found == nil || found.SubmoduleGitURL != nil {
		return false
	}
	return found.GetType() == "file" || found.GetType() == "" && found.Content != nil
}
