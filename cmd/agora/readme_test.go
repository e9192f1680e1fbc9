package main

import (
	"context"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

const garden = "nova/garden"

// planted is how far README brings somebody: a repository made today with the first
// rules, people with new accounts, nova's the first, and an issue labelled rfc.
func planted(t *testing.T, logins ...string) (*stage, context.Context, ghsim.Issue) {
	t.Helper()
	s, ctx := playQuietly(t, staging{})
	today := s.clock.now()
	for _, login := range logins {
		s.sim.AddUser(ghsim.NewUser{Login: login, CreatedAt: today.Add(-time.Hour)})
	}
	s.sim.AddRepository(ghsim.NewRepository{Owner: "nova", Name: "garden", CreatedAt: today})
	s.sim.Install(s.app.ID, "nova")
	s.sim.As("nova").PutFile(garden, ".github/agora.yml", firstRules(t))
	settle(t, ctx, s)
	issue, err := s.sim.As("nova").OpenIssue(garden, "Plant a tree", "An oak.", "rfc")
	must(t, err)
	settle(t, ctx, s)
	return s, ctx, issue
}

// firstRules are the rules that the README has newcomers begin with.
func firstRules(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(version: 1\n.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README shows no agora.yml")
	}
	return string(block[1])
}

// What the README has newcomers write into their checkout, among it secrets, git leaves out.
func TestGitIgnoresTheCredentialsOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	ignored, err := os.ReadFile("../../.gitignore")
	must(t, err)
	written := regexp.MustCompile(`(?: > | -o )([a-z][a-z.-]*)`).FindAllSubmatch(readme, -1)
	if len(written) < 3 {
		t.Errorf("found only %q", written)
	}
	for _, found := range written {
		name := string(found[1])
		if !slices.ContainsFunc(strings.Fields(string(ignored)), func(pattern string) bool {
			matches, err := path.Match(strings.TrimPrefix(pattern, "/"), name)
			return err == nil && matches
		}) && name != "bin" {
			t.Errorf(".gitignore does not leave out %s", name)
		}
	}
}

// A newcomer follows the README with an account and a repository made today, where
// nobody has genesis reputation.
func TestTheFirstTryOfTheREADMEDecides(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		voters, needs []string
	}{
		"alone":     {[]string{"nova"}, []string{"**1 member** may vote", "quorum is 1 voter"}},
		"with two":  {[]string{"nova", "remy"}, []string{"**2 members** may vote", "quorum is 2 voters"}},
		"with four": {[]string{"nova", "remy", "zoe", "rob"}, []string{"**4 members** may vote", "quorum is 2 voters"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx, issue := planted(t, "nova", "remy")
			say := func(who, text string) {
				t.Helper()
				_, err := s.sim.As(who).Comment(garden, issue.Number, text)
				must(t, err)
				settle(t, ctx, s)
			}
			for _, who := range story.voters {
				say(who, "/member join")
			}
			say("nova", "/rfc vote")
			ballot := commentWith(t, s, garden, issue.Number, "<!-- agora:ballot 1/1 -->").Body
			for _, want := range story.needs {
				if !strings.Contains(ballot, want) {
					t.Errorf("the ballot lacks %q:\n%s", want, ballot)
				}
			}
			for _, who := range story.voters[:min(2, len(story.voters))] {
				say(who, "/vote approve")
			}
			jump(t, ctx, s, 15*time.Minute+5*time.Second)
			jump(t, ctx, s, 5*time.Second)
			if decision := commentWith(t, s, garden, issue.Number, "<!-- agora:decision 1/1 -->").Body; !strings.Contains(decision, "✅ accepted") {
				t.Errorf("not accepted:\n%s", decision)
			}
		})
	}
}
