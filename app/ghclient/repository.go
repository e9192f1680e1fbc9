package ghclient

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// RepoClient is GitHub seen from one repository, through the installation that
// reaches it. It is safe for concurrent use and cheap to make.
//
// Its errors are coded (package app): CodeNotFound and CodeGone for what is not
// there, CodeForbidden, CodeInvalid and CodeConflict for what GitHub refuses,
// and CodeUnavailable for what passes by itself, with app.RetryDelay saying when
// to try again. After CodeUnavailable a write may have happened all the same.
type RepoClient struct {
	g *GitHub
	// named holds the repository by its current name: a rename found on the way
	// is remembered.
	named atomic.Pointer[app.Repository]
}

// Repo makes a client of a repository. Its installation, owner's login and name
// must be set; its id where it is known, to tell it from another that takes its
// name.
func (g *GitHub) Repo(repository app.Repository) *RepoClient {
	c := &RepoClient{g: g}
	c.named.Store(&repository)
	return c
}

// RepositoryByID reads a repository by the id that it keeps for good.
func (g *GitHub) RepositoryByID(ctx context.Context, installation, id int64) (app.Repository, error) {
	ctx = context.WithValue(ctx, repositoryKey{}, &wanted{id: id})
	found, _, err := call(ctx, g, installation, fmt.Sprintf("reading repository %d", id),
		func(ctx context.Context, client *github.Client) (*github.Repository, *github.Response, error) {
			return client.Repositories.GetByID(ctx, id)
		})
	if err != nil {
		return app.Repository{}, err
	}
	return toRepository(found, installation), nil
}

// Repository reads the repository as it is now, under its present name. When
// another one stands under the name it had, the answer is found by id.
func (c *RepoClient) Repository(ctx context.Context) (app.Repository, error) {
	known := c.named.Load()
	found, _, err := repoAsk(ctx, c, "reading "+c.String(), // whoever owns it now
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Repository, *github.Response, error) {
			return client.Repositories.Get(ctx, owner, name)
		})
	if err != nil {
		return app.Repository{}, err
	}
	repository := toRepository(found, known.Installation)
	if known.ID != 0 && repository.ID != known.ID {
		if repository, err = c.g.RepositoryByID(ctx, known.Installation, known.ID); err != nil {
			return app.Repository{}, err
		}
	}
	c.named.Store(&repository)
	return repository, nil
}

// String is owner/name.
func (c *RepoClient) String() string { return c.named.Load().FullName() }

// issue names an issue for people, as GitHub does.
func (c *RepoClient) issue(number int) string { return fmt.Sprintf("%s#%d", c, number) }

// repoRequest is one call of go-github about a repository.
type repoRequest[T any] func(ctx context.Context, client *github.Client, owner, name string) (T, *github.Response, error)

// repoPage is one page of a list about a repository.
type repoPage[T any] func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]T, *github.Response, error)

// repoCall makes a request about the repository. Reads follow a rename by
// GitHub's redirect; a write is never sent on blindly: the new name is read by
// id, and the write made once more under it. Neither follows it to another owner:
// what everybody may read there is not this installation's business any more.
func repoCall[T any](ctx context.Context, c *RepoClient, doing string, do repoRequest[T]) (T, error) {
	value, sentOn, err := repoAsk(ctx, c, doing, do)
	if !sentOn && !moved(err) {
		return value, err
	}
	var none T
	renamed, errRead := c.rename(ctx, doing)
	switch {
	case app.Is(errRead, app.CodeUninstalled), errRead != nil && sentOn:
		return none, errRead
	case sentOn, !renamed:
		return value, err // not renamed: the thing itself is elsewhere
	}
	value, _, err = repoAsk(ctx, c, doing, do)
	return value, err
}

// rename finds the repository's present name by its id, and reports whether it is another
// one; app.CodeUninstalled when it has another owner by now.
func (c *RepoClient) rename(ctx context.Context, doing string) (bool, error) {
	known := c.named.Load()
	if known.ID == 0 {
		return false, nil
	}
	fresh, err := c.g.RepositoryByID(ctx, known.Installation, known.ID)
	if err != nil {
		return false, err
	}
	if known.Owner.ID != 0 && fresh.Owner.ID != known.Owner.ID {
		return false, app.RetryAfter(coded(app.CodeUninstalled, doing, errors.New("the repository moved to another account")), removedFor)
	}
	c.named.Store(&fresh)
	return fresh.FullName() != known.FullName(), nil
}

// repoAsk makes the request once; sentOn tells that the answer is from another place.
func repoAsk[T any](ctx context.Context, c *RepoClient, doing string, do repoRequest[T]) (value T, sentOn bool, err error) {
	repository, err := c.reachable(doing)
	if err != nil {
		return value, false, err
	}
	meant := &wanted{id: repository.ID}
	value, _, err = call(context.WithValue(ctx, repositoryKey{}, meant), c.g, repository.Installation, doing,
		func(ctx context.Context, client *github.Client) (T, *github.Response, error) {
			return do(ctx, client, repository.Owner.Login, repository.Name)
		})
	return value, meant.sentOn.Load(), err
}

// repoList is repoCall for all pages of a list.
func repoList[T any](ctx context.Context, c *RepoClient, doing string, do repoPage[T]) ([]T, error) {
	repository, err := c.reachable(doing)
	if err != nil {
		return nil, err
	}
	meant := &wanted{id: repository.ID}
	items, err := list(context.WithValue(ctx, repositoryKey{}, meant), c.g, repository.Installation, doing,
		func(ctx context.Context, client *github.Client, at github.ListOptions) ([]T, *github.Response, error) {
			return do(ctx, client, repository.Owner.Login, repository.Name, at)
		})
	if sentOn := meant.sentOn.Load(); sentOn || moved(err) {
		if _, errRead := c.rename(ctx, doing); app.Is(errRead, app.CodeUninstalled) || errRead != nil && sentOn {
			return nil, errRead
		}
	}
	return items, err
}

// reachable is the repository as it is named now, if its name can be one and an
// installation reaches it.
func (c *RepoClient) reachable(doing string) (*app.Repository, error) {
	repository := c.named.Load()
	if err := checkNames(doing, repository.Owner.Login, repository.Name); err != nil {
		return nil, err
	}
	if repository.Installation == 0 {
		return nil, unreached(doing)
	}
	return repository, nil
}

// checkNames refuses, as not found, names that GitHub cannot have given.
func checkNames(doing string, names ...string) error {
	for _, name := range names {
		if !isName(name) {
			return app.Errorf(app.CodeNotFound, "%s: %q is no name on GitHub", doing, tidy(name))
		}
	}
	return nil
}

// isName reports whether the text can be an account's, a team's or a
// repository's name: go-github puts names into paths as they are, and some come
// from people's commands.
func isName(text string) bool {
	if text == "" || len(text) > 100 || text == "." || text == ".." {
		return false
	}
	return !strings.ContainsFunc(strings.TrimSuffix(text, "[bot]"), func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return false
		}
		return true
	})
}

// escape makes one segment of a path of any text.
func escape(text string) string { return url.PathEscape(text) }
