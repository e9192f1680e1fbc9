package command_test

import (
	"context"
	"fmt"
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
