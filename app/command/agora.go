package command

import (
	"context"
	"fmt"
)

// AgoraCommands are the commands about Agora itself: `/agora help [noun]` and
// `/agora version`. The version is that of the program.
func AgoraCommands(registry *Registry, version string) map[string]Handler {
	answer := func(text func(Call) string) Handler {
		return func(_ context.Context, call Call) (Apply, error) {
			return func(context.Context) (string, error) { return text(call), nil }, nil
		}
	}
	return map[string]Handler{
		"/agora help":    answer(func(call Call) string { return registry.Help(call.Command.Argument("noun")) }),
		"/agora version": answer(func(Call) string { return fmt.Sprintf("Agora `%s`", version) }),
	}
}
