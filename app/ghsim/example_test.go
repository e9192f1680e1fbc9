package ghsim_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/agora-rfc/agora/app/ghsim"
)

// A person's comment reaches the App as a signed webhook.
func Example() {
	s, err := ghsim.Start(ghsim.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	s.AddUsers("maya", "kim")
	s.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}})
	s.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "widgets", Collaborators: map[string]string{"kim": "maintain"}})

	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("X-GitHub-Event"), r.Header.Get("X-Hub-Signature-256") != "")
	}))
	defer hook.Close()
	app := s.AddApp(ghsim.NewApp{Slug: "agora", WebhookSecret: "secret"})
	s.SetWebhookURL(app.ID, hook.URL)
	s.Install(app.ID, "acme")

	issue, err := s.As("kim").OpenIssue("acme/widgets", "Weighted quorum", "Let us.")
	if err == nil {
		_, err = s.As("maya").Comment("acme/widgets", issue.Number, "/vote approve")
	}
	fmt.Println(err, s.WaitIdle(context.Background()))
	fmt.Println(s.Comments("acme/widgets", issue.Number)[0].Body)
	// Unordered output:
	// installation true
	// issues true
	// issue_comment true
	// <nil> <nil>
	// /vote approve
}
