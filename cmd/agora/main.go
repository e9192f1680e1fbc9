// Command agora runs RFC votes on GitHub: the server, a demo without GitHub, and
// the tools of whoever operates it or relies on it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	os.Exit(run(ctx, newRootCommand()))
}
