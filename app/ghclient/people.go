package ghclient

import (
	"context"
	"fmt"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// User reads a person's profile, with the day the account was made.
// CodeNotFound when nobody has the login.
func (c *RepoClient) User(ctx context.Context, login string) (app.User, error) {
	doing := fmt.Sprintf("reading the profile of %s", tidy(login))
	if err := checkNames(doing, login); err != nil {
		return app.User{}, err
	}
	return c.readUser(ctx, doing, func(ctx context.Context, client *github.Client) (*github.User, *github.Response, error) {
		return client.Users.Get(ctx, escape(login))
	})
}

// UserByID reads a person's profile by the id that stays, whatever the login is.
func (c *RepoClient) UserByID(ctx context.Context, id int64) (app.User, error) {
	return c.readUser(ctx, fmt.Sprintf("reading the profile of user %d", id),
		func(ctx context.Context, client *github.Client) (*github.User, *github.Response, error) {
			return client.Users.GetByID(ctx, id)
		})
}

func (c *RepoClient) readUser(ctx context.Context, doing string, do request[*github.User]) (app.User, error) {
	found, _, err := call(ctx, c.g, c.named.Load().Installation, doing, do)
	if err != nil {
		return app.User{}, err
	}
	user := toUser(found)
	if !user.Gone() {
		user.Email = found.GetEmail()
	}
	return user, nil
}

// TeamMembers lists a team's members, those of its child teams included.
// CodeNotFound when there is no such team, or it is hidden from the App.
func (c *RepoClient) TeamMembers(ctx context.Context, org, slug string) ([]app.User, error) {
	doing := fmt.Sprintf("listing the members of @%s/%s", tidy(org), tidy(slug))
	if err := checkNames(doing, org, slug); err != nil {
		return nil, err
	}
	found, err := list(ctx, c.g, c.named.Load().Installation, doing,
		func(ctx context.Context, client *github.Client, at github.ListOptions) ([]*github.User, *github.Response, error) {
			return client.Teams.ListTeamMembersBySlug(ctx, org, slug, &github.TeamListTeamMembersOptions{ListOptions: at})
		})
	if err != nil {
		return nil, err
	}
	return mapped(found, toUser), nil
}

// IsTeamMember asks whether a person is in a team. An error means not known.
func (c *RepoClient) IsTeamMember(ctx context.Context, org, slug, login string) (bool, error) {
	doing := fmt.Sprintf("asking whether %s is in @%s/%s", tidy(login), tidy(org), tidy(slug))
	membership, err := c.membership(ctx, doing, []string{org, slug, login},
		func(ctx context.Context, client *github.Client) (*github.Membership, *github.Response, error) {
			return client.Teams.GetTeamMembershipBySlug(ctx, org, slug, escape(login))
		})
	return membership.GetState() == "active", err
}

// IsOrgOwner asks whether a person owns an organisation. GitHub's 404 is a no;
// an error, 403 included, means not known.
func (c *RepoClient) IsOrgOwner(ctx context.Context, org, login string) (bool, error) {
	doing := fmt.Sprintf("asking whether %s owns %s", tidy(login), tidy(org))
	membership, err := c.membership(ctx, doing, []string{org, login},
		func(ctx context.Context, client *github.Client) (*github.Membership, *github.Response, error) {
			return client.Organizations.GetOrgMembership(ctx, escape(login), org)
		})
	return membership.GetState() == "active" && membership.GetRole() == "admin", err
}

// membership gives nil where there is none; an invitation not yet taken up is
// one that is not "active".
func (c *RepoClient) membership(ctx context.Context, doing string, names []string, do request[*github.Membership]) (*github.Membership, error) {
	if checkNames(doing, names...) != nil {
		return nil, nil
	}
	found, _, err := call(ctx, c.g, c.named.Load().Installation, doing, do)
	if err != nil {
		return nil, absentIsFine(err)
	}
	return found, nil
}
