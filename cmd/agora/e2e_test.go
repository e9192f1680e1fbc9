package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app/ghsim"
)

// play starts a stage for a test; the world has the organisation acme with the
// repository acme/rfcs, a steward maya (admin), writers kim and lee, and others.
func play(t *testing.T, set staging) (*stage, context.Context) {
	t.Helper()
	return playLogging(t, set, io.Discard)
}

// playLogging is play, with the log also written to a place of the test's own.
func playLogging(t *testing.T, set staging, log io.Writer) (*stage, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute) // a bound, not a measure
	t.Cleanup(cancel)
	set.logger = zerolog.New(io.MultiWriter(zerolog.NewTestWriter(t), log)).Level(zerolog.WarnLevel)
	if testing.Verbose() {
		set.logger = set.logger.Level(zerolog.InfoLevel)
	}
	if set.databaseURL == "" {
		set.databaseURL = "sqlite://" + t.TempDir() + "/agora.db"
	}
	s, err := newStage(ctx, set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	s.sim.AddUsers("maya", "kim", "lee", "noor", "sam", "zoe", "rob")
	s.sim.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}, Members: []string{"kim", "lee", "noor", "sam"}})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "rfcs", Collaborators: map[string]string{
		"kim": "write", "lee": "write", "noor": "triage", "sam": "triage"}})
	s.sim.Install(s.app.ID, "acme")
	settle(t, ctx, s)
	return s, ctx
}

func settle(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	if err := s.settle(ctx); err != nil {
		t.Fatal(err)
	}
}

func jump(t *testing.T, ctx context.Context, s *stage, d time.Duration) {
	t.Helper()
	if err := s.jump(ctx, d); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// commentWith finds the one comment on an issue whose body has the text.
func commentWith(t *testing.T, s *stage, repo string, number int, text string) ghsim.Comment {
	t.Helper()
	var found []ghsim.Comment
	for _, c := range s.sim.Comments(repo, number) {
		if strings.Contains(c.Body, text) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		var all []string
		for _, c := range s.sim.Comments(repo, number) {
			all = append(all, c.User.Login+": "+c.Body)
		}
		t.Fatalf("%d comments with %q, want 1:\n%s", len(found), text, strings.Join(all, "\n---\n"))
	}
	return found[0]
}

const rfcs = "acme/rfcs"

func TestAnIssueGoesFromItsLabelToAcceptance(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	issue, err := s.sim.As("kim").OpenIssue(rfcs, "Weighted quorum", "Let weights count.", "rfc")
	must(t, err)
	settle(t, ctx, s)
	commentWith(t, s, rfcs, issue.Number, "<!-- agora:rfc 1 -->")

	_, err = s.sim.As("maya").Comment(rfcs, issue.Number, "/rfc vote")
	must(t, err)
	settle(t, ctx, s)
	ballot := commentWith(t, s, rfcs, issue.Number, "<!-- agora:ballot 1/1 -->")
	for _, who := range []string{"maya", "lee", "noor"} {
		_, err := s.sim.As(who).React(rfcs, ballot.ID, "+1")
		must(t, err)
	}
	_, err = s.sim.As("sam").Comment(rfcs, issue.Number, "/vote approve \"good\"")
	must(t, err)
	settle(t, ctx, s)
	jump(t, ctx, s, 7*24*time.Hour+time.Minute)
	jump(t, ctx, s, time.Minute)
	decision := commentWith(t, s, rfcs, issue.Number, "<!-- agora:decision 1/1 -->")
	t.Log(decision.Body)
	t.Log(commentWith(t, s, rfcs, issue.Number, "<!-- agora:rfc 1 -->").Body)
	t.Log(s.sim.Labels(rfcs, issue.Number))
}
