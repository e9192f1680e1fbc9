package command_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// Thirty commands a minute are carried out, and the first of the others is told so, also
// when they stand in comments on many issues that are worked on at once.
func TestCommandsThatComeAtOnceAreCountedTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const comments, commands, allowed = 5, 10, 30
		var reached sync.WaitGroup
		reached.Add(comments)
		var first [comments]sync.Once
		runner := command.NewRunner(command.Default(), s.Commands(), func(text string, _ int) string { return text }, map[string]command.Handler{
			"/agora version": func(_ context.Context, call command.Call) (command.Apply, error) {
				first[call.Comment.ID-1].Do(func() { // whoever is here was not refused by what was known
					reached.Done()
					reached.Wait()
				})
				return func(context.Context) (string, error) { return "done", nil }, nil
			},
		})
		var working sync.WaitGroup
		for n := range comments {
			working.Go(func() {
				comment := app.Comment{ID: int64(n + 1), Author: app.User{ID: 7, Login: "lee"}, Body: strings.Repeat("/agora version\n", commands),
					CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
				err := runner.Handle(t.Context(), command.Incoming{
					Repo: app.Repository{ID: 9, Owner: app.Account{ID: 77}}, Ref: app.IssueRef{Repository: 9, Number: n + 1}, Comment: comment})
				if err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		done, told, lines := 0, 0, 0
		for n := range comments {
			err := s.Commands().View(t.Context(), func(ctx context.Context, tx command.Tx) error {
				run, err := tx.CommandRun(ctx, 9, int64(n+1))
				lines += len(run.Lines)
				for _, l := range run.Lines {
					if l.Done {
						done++
					}
					told += strings.Count(l.Say, fmt.Sprintf("more than %d commands", allowed))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if done != allowed || told != 1 || lines != comments*commands {
			t.Errorf("of %d commands %d were carried out, and %d were told that they were too many; want all, %d and 1", lines, done, told, allowed)
		}
	})
}

// An edit runs what is new. The same again in other words is not: a spelling that is mended
// in a reason does nothing once more, which its author is told once.
func TestACommandThatIsRewordedIsNotCarriedOutAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var did []string
		handlers := map[string]command.Handler{}
		for _, name := range []string{"/rfc extend", "/concern raise", "/agora version"} {
			handlers[name] = func(_ context.Context, call command.Call) (command.Apply, error) {
				return func(context.Context) (string, error) {
					did = append(did, call.Command.Invocation.Raw)
					return "", nil
				}, nil
			}
		}
		runner := command.NewRunner(command.Default(), s.Commands(), func(text string, _ int) string { return text }, handlers)
		at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		author, before := app.User{ID: 7, Login: "lee"}, ""
		for n, step := range []struct {
			body string
			does []string
			told bool
		}{
			{body: `/rfc extend 1d "holydays"`, does: []string{`/rfc extend 1d "holydays"`}},
			{body: `/rfc extend 1d "holiday"`, told: true},
			{body: `/rfc extend 1d "holiday"` + "\n" + `/rfc extend 2d "more"`, does: []string{`/rfc extend 2d "more"`}, told: true},
			{body: `/rfc extend 1d "holiday"` + "\n" + `/concern raise "the coast"` + "\n" + `/concern raise "another"`,
				does: []string{`/concern raise "the coast"`, `/concern raise "another"`}, told: true},
			{body: `/concern raise "the cost"` + "\n" + `/concern raise "another"` + "\n" + `/concern raise "a third"`,
				does: []string{`/concern raise "a third"`}, told: true},
			{body: `/concern raise "the cost"` + "\n" + "/agora version", does: []string{"/agora version"}, told: true},
			{body: `/concern raise "the cost of it"` + "\n" + "/agora version\n\nThank you.", told: true},
			{body: `/concern raise "the cost of it"` + "\n" + "/agora version\n/concern raise", told: true},
			{body: "/agora version\n/concern raise nobody measured it", does: []string{"/concern raise nobody measured it"}, told: true},
			{body: "/agora version\n/concern raise nobody has measured it", told: true},
		} {
			did = nil
			comment := app.Comment{ID: 5, Author: author, Body: step.body, CreatedAt: at, UpdatedAt: at.Add(time.Duration(n) * time.Minute)}
			err := runner.Handle(t.Context(), command.Incoming{Repo: app.Repository{ID: 9, Owner: app.Account{ID: 77}},
				Ref: app.IssueRef{Repository: 9, Number: 1}, Comment: comment, Edited: n > 0, Editor: author, Previous: before, Waits: true})
			if err != nil {
				t.Fatal(err)
			}
			before = step.body
			if !slices.Equal(did, step.does) {
				t.Errorf("%s\n\ncarried out %q, want %q", step.body, did, step.does)
			}
			err = s.Commands().View(t.Context(), func(ctx context.Context, tx command.Tx) error {
				run, err := tx.CommandRun(ctx, 9, 5)
				if told := strings.Count(run.Reply(), "carried this out as it was first written") == 1; told != step.told {
					t.Errorf("%s\n\nis answered %q", step.body, run.Reply())
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
