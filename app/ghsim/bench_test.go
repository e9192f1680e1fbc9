package ghsim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/agora-rfc/agora/app/ghsim"
)

// BenchmarkComment is a person's comment with its webhook answered.
func BenchmarkComment(b *testing.B) {
	s, err := ghsim.Start(ghsim.Options{RateLimit: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer h.Close()
	s.AddUsers("maya")
	s.AddRepository(ghsim.NewRepository{Owner: "maya", Name: "widgets"})
	app := s.AddApp(ghsim.NewApp{Slug: "agora", WebhookSecret: "x"})
	s.SetWebhookURL(app.ID, h.URL)
	s.Install(app.ID, "maya")
	maya := s.As("maya")
	i, err := maya.OpenIssue("maya/widgets", "Busy", "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := maya.Comment("maya/widgets", i.Number, "x"); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.WaitIdle(context.Background()); err != nil {
		b.Fatal(err)
	}
}
