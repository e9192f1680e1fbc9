package ghclient

import (
	"context"
	"fmt"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// CreateCheck puts a check run on a commit and gives its id.
func (c *RepoClient) CreateCheck(ctx context.Context, check app.Check) (int64, error) {
	made, err := repoCall(ctx, c, fmt.Sprintf("putting the check %s on %s", check.Name, c.commit(check.HeadSHA)),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.CheckRun, *github.Response, error) {
			return client.Checks.CreateCheckRun(ctx, owner, name, github.CreateCheckRunOptions{
				Name: check.Name, HeadSHA: check.HeadSHA, DetailsURL: given(check.DetailsURL), ExternalID: given(check.ExternalID),
				Status: given(check.Status), Conclusion: given(check.Conclusion), Output: checkOutput(check),
			})
		})
	return made.GetID(), err
}

// UpdateCheck changes a check run of the App's. GitHub takes no completed run
// back to in progress: a new one must be made then.
func (c *RepoClient) UpdateCheck(ctx context.Context, id int64, check app.Check) error {
	_, err := repoCall(ctx, c, fmt.Sprintf("changing the check %s on %s", check.Name, c.commit(check.HeadSHA)),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.CheckRun, *github.Response, error) {
			return client.Checks.UpdateCheckRun(ctx, owner, name, id, github.UpdateCheckRunOptions{
				Name: check.Name, DetailsURL: given(check.DetailsURL), ExternalID: given(check.ExternalID),
				Status: given(check.Status), Conclusion: given(check.Conclusion), Output: checkOutput(check),
			})
		})
	return err
}

func (c *RepoClient) commit(sha string) string { return fmt.Sprintf("%s@%.12s", c, tidy(sha)) }

func checkOutput(check app.Check) *github.CheckRunOutput {
	if check.Title == "" && check.Summary == "" {
		return nil
	}
	return &github.CheckRunOutput{Title: &check.Title, Summary: &check.Summary}
}

// given leaves an empty text out of a request.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
