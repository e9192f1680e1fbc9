package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app"
)

// AgoraCommands are the commands about Agora itself: `/agora help [noun]` and
// `/agora version`. The version is that of the program.
func AgoraCommands(registry *Registry, version string) map[string]Handler {
	help := func(_ context.Context, call Call) (Apply, error) {
		noun := topic(call.Command.Argument("noun"))
		if noun != "" && !registry.Knows(noun) {
			return nil, registry.refuseTopic(noun)
		}
		return func(context.Context) (string, error) { return registry.Help(noun), nil }, nil
	}
	answer := func(text func(Call) string) Handler {
		return func(_ context.Context, call Call) (Apply, error) {
			return func(context.Context) (string, error) { return text(call), nil }, nil
		}
	}
	return map[string]Handler{
		"/agora help":    help,
		"/agora version": answer(func(Call) string { return fmt.Sprintf("Agora `%s`", version) }),
	}
}

// refuseTopic says that there is no help on a noun, what there is help on, and what was
// probably meant. The noun itself is a person's word and not repeated.
func (r *Registry) refuseTopic(noun string) error {
	reason := fmt.Sprintf("there is no help on that. There is on %s.", strings.Join(r.nouns, ", "))
	if near := nearest(noun, r.nouns); near != "" {
		reason += fmt.Sprintf(" Or did you mean `/agora help %s`?", near)
	}
	return Refuse(app.CodeNotFound, "%s", reason)
}
