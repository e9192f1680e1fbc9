package ghclient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// AppIdentity is who Agora is on GitHub.
type AppIdentity struct {
	ID   int64
	Slug string
	// BotLogin is the login under which the App comments: its slug and "[bot]".
	BotLogin string
}

// Installation is one account that has the App installed.
type Installation struct {
	ID        int64
	Account   app.Account
	Suspended bool
}

// AppDetails is what GitHub says of the App besides who it is.
type AppDetails struct {
	AppIdentity
	// Permissions is the access ("read", "write") by permission, nil when GitHub says nothing of it.
	Permissions map[string]string
	// Events are those GitHub sends, nil when it says nothing of them.
	Events []string
	// Installations counts the accounts that have the App installed.
	Installations int
}

// App asks GitHub once who the App is.
func (g *GitHub) App(ctx context.Context) (AppIdentity, error) {
	g.identityMu.Lock()
	defer g.identityMu.Unlock()
	if g.identity.ID != 0 {
		return g.identity, nil
	}
	found, err := g.describe(ctx)
	if app.Is(err, app.CodeNotFound) {
		// Asked for on the way to something else, it must not read as if that were not there.
		err = &app.Error{Code: app.CodeUnavailable, Message: "GitHub does not say who the App is", Err: err}
	}
	return found.AppIdentity, err
}

// AppDetails asks GitHub what it knows of the App. CodeForbidden and CodeNotFound mean
// that the private key is not the App's.
func (g *GitHub) AppDetails(ctx context.Context) (AppDetails, error) {
	g.identityMu.Lock()
	defer g.identityMu.Unlock()
	return g.describe(ctx)
}

// describe asks GitHub, and remembers who the App is.
func (g *GitHub) describe(ctx context.Context) (AppDetails, error) {
	type answer struct {
		ID            int64             `json:"id"`
		Slug          string            `json:"slug"`
		Permissions   map[string]string `json:"permissions"` // go-github does not know all of them
		Events        []string          `json:"events"`
		Installations int               `json:"installations_count"`
	}
	found, _, err := call(ctx, g, 0, "reading the App's own name",
		func(ctx context.Context, client *github.Client) (answer, *github.Response, error) {
			return get[answer](ctx, client, "app")
		})
	if err != nil {
		return AppDetails{}, err
	}
	if found.ID == 0 || found.Slug == "" {
		return AppDetails{}, app.Errorf(app.CodeUnavailable, "reading the App's own name: GitHub named none")
	}
	g.identity = AppIdentity{ID: found.ID, Slug: found.Slug, BotLogin: found.Slug + "[bot]"}
	return AppDetails{AppIdentity: g.identity, Permissions: found.Permissions, Events: found.Events, Installations: found.Installations}, nil
}

// Installations lists the accounts that have the App installed, suspended ones
// included.
func (g *GitHub) Installations(ctx context.Context) ([]Installation, error) {
	found, err := list(ctx, g, 0, "listing the App's installations",
		func(ctx context.Context, client *github.Client, at github.ListOptions) ([]*github.Installation, *github.Response, error) {
			return client.Apps.ListInstallations(ctx, &at)
		})
	return mapped(found, toInstallation), err
}

// Installation reads one installation; CodeNotFound when it was removed.
func (g *GitHub) Installation(ctx context.Context, id int64) (Installation, error) {
	found, _, err := call(ctx, g, 0, fmt.Sprintf("reading installation %d", id),
		func(ctx context.Context, client *github.Client) (*github.Installation, *github.Response, error) {
			return client.Apps.GetInstallation(ctx, id)
		})
	if err != nil {
		return Installation{}, err
	}
	return toInstallation(found), nil
}

// InstallationOf finds the installation that reaches a repository, for events
// that do not name it; CodeNotFound when none does.
func (g *GitHub) InstallationOf(ctx context.Context, owner, name string) (Installation, error) {
	doing := fmt.Sprintf("finding the installation of %s/%s", tidy(owner), tidy(name))
	if err := checkNames(doing, owner, name); err != nil {
		return Installation{}, err
	}
	found, _, err := call(ctx, g, 0, doing,
		func(ctx context.Context, client *github.Client) (*github.Installation, *github.Response, error) {
			return client.Apps.FindRepositoryInstallation(ctx, owner, name)
		})
	if err != nil {
		return Installation{}, err
	}
	return toInstallation(found), nil
}

// InstallationRepositories lists the repositories that an installation reaches.
func (g *GitHub) InstallationRepositories(ctx context.Context, installation int64) ([]app.Repository, error) {
	found, err := list(ctx, g, installation, fmt.Sprintf("listing the repositories of installation %d", installation),
		func(ctx context.Context, client *github.Client, at github.ListOptions) ([]*github.Repository, *github.Response, error) {
			page, response, err := client.Apps.ListRepos(ctx, &at)
			if err != nil {
				return nil, response, err
			}
			return page.Repositories, response, nil
		})
	return mapped(found, func(r *github.Repository) app.Repository { return toRepository(r, installation) }), err
}

// HookDeliveries gives the deliveries since an instant to page, a page at a time
// and newest first, until there are no more or page wants none. GitHub keeps a few
// days of them.
func (g *GitHub) HookDeliveries(ctx context.Context, since time.Time, page func([]app.HookDelivery) (more bool, err error)) error {
	const doing = "listing webhook deliveries"
	at := &github.ListCursorOptions{PerPage: perPage}
	for range maxPages {
		found, response, err := call(ctx, g, 0, doing,
			func(ctx context.Context, client *github.Client) ([]*github.HookDelivery, *github.Response, error) {
				return client.Apps.ListHookDeliveries(ctx, at)
			})
		if err != nil {
			return err
		}
		recent := mapped(found, toHookDelivery)
		end := slices.IndexFunc(recent, func(d app.HookDelivery) bool { return d.DeliveredAt.Before(since) })
		if end >= 0 {
			recent = recent[:end]
		}
		more, err := page(recent)
		if err != nil || !more || end >= 0 || response.Cursor == "" || response.Cursor == at.Cursor {
			return err
		}
		at.Cursor = response.Cursor
	}
	return app.Errorf(app.CodeInvalid, "%s: the list has more than %d pages", doing, maxPages)
}

// Redeliver asks GitHub to send a delivery again; it keeps its GUID.
func (g *GitHub) Redeliver(ctx context.Context, delivery int64) error {
	_, _, err := call(ctx, g, 0, fmt.Sprintf("asking for webhook delivery %d again", delivery),
		func(ctx context.Context, client *github.Client) (*github.HookDelivery, *github.Response, error) {
			sent, response, err := client.Apps.RedeliverHookDelivery(ctx, delivery)
			return sent, response, accepted(err)
		})
	return err
}
