package ghclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// EnsureLabels makes the labels that the repository lacks. Those there are left
// as people made them. One made meanwhile by somebody else is fine.
func (c *RepoClient) EnsureLabels(ctx context.Context, specs []app.LabelSpec) error {
	found, err := repoList(ctx, c, "listing the labels of "+c.String(),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.Label, *github.Response, error) {
			return client.Issues.ListLabels(ctx, owner, name, &at)
		})
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(found))
	for _, label := range found {
		there[strings.ToLower(label.GetName())] = true
	}
	for _, spec := range specs {
		if there[strings.ToLower(spec.Name)] {
			continue
		}
		if err := c.createLabel(ctx, spec); err != nil {
			return err
		}
	}
	return nil
}

func (c *RepoClient) createLabel(ctx context.Context, spec app.LabelSpec) error {
	_, err := repoCall(ctx, c, fmt.Sprintf("making the label %q in %s", spec.Name, c),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Label, *github.Response, error) {
			return client.Issues.CreateLabel(ctx, owner, name, &github.Label{
				Name: &spec.Name, Color: &spec.Color, Description: &spec.Description,
			})
		})
	var answered *refusal
	if errors.As(err, &answered) && answered.has("already_exists") {
		return nil
	}
	return err
}

// AddLabels puts labels on an issue or pull request; those it wears stay.
func (c *RepoClient) AddLabels(ctx context.Context, number int, names []string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := repoCall(ctx, c, "labelling "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string) ([]*github.Label, *github.Response, error) {
			return client.Issues.AddLabelsToIssue(ctx, owner, name, number, names)
		})
	return err
}

// RemoveLabel takes a label off an issue or pull request; one that it does not
// wear is fine.
func (c *RepoClient) RemoveLabel(ctx context.Context, number int, label string) error {
	_, err := repoCall(ctx, c, fmt.Sprintf("taking the label %q off %s", label, c.issue(number)),
		func(ctx context.Context, client *github.Client, owner, name string) ([]*github.Label, *github.Response, error) {
			// go-github puts the label into the path as it is; ours have slashes.
			path := fmt.Sprintf("repos/%s/%s/issues/%d/labels/%s", owner, name, number, escape(label))
			return send[[]*github.Label](ctx, client, http.MethodDelete, path, nil)
		})
	return absentIsFine(err)
}
