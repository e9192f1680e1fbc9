package command_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/command"
)

func TestAgoraAnswersAboutItself(t *testing.T) {
	t.Parallel()
	registry := command.Default()
	handlers := command.AgoraCommands(registry, "v1.2.3")
	say := func(comment string) string {
		t.Helper()
		results := registry.Read(comment)
		if len(results) != 1 || results[0].Problem != nil {
			t.Fatalf("%q is not one command: %+v", comment, results)
		}
		said := results[0].Command
		apply, err := handlers[said.Definition.Name()](t.Context(), command.Call{Command: said})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := apply(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}

	if got, want := say("/agora version"), "Agora `v1.2.3`"; got != want {
		t.Errorf("/agora version answers %q, want %q", got, want)
	}
	overview := say("/agora help")
	for _, noun := range []string{"`/agora`", "`/rfc`", "`/vote`", "`/concern`", "`/member`"} {
		if !strings.Contains(overview, noun) {
			t.Errorf("/agora help leaves out %s:\n%s", noun, overview)
		}
	}
	if got := say("/agora help vote"); got != registry.Help("vote") || !strings.Contains(got, "request-changes") {
		t.Errorf("/agora help vote does not explain the noun:\n%s", got)
	}
	for noun, meant := range map[string]string{"nonsense": "", "vot": "did you mean `/agora help vote`?", "/Concerns": "did you mean `/agora help concern`?"} {
		results := registry.Read("/agora help " + noun)
		_, err := handlers["/agora help"](t.Context(), command.Call{Command: results[0].Command})
		var refusal *command.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, "there is no help on that. There is on agora, rfc") || !strings.Contains(refusal.Reason, meant) ||
			meant == "" && strings.Contains(refusal.Reason, "mean") {
			t.Errorf("/agora help %s answers %v", noun, err)
		}
	}
}
