package main

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// A played story's database moves from SQLite to PostgreSQL and back: verified the
// same everywhere, and lived in again.
func TestADatabaseMovesToTheOtherKind(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	start := storetest.SQLite(t)
	s, err := newStage(ctx, staging{databaseURL: start})
	must(t, err)
	told := &story{stage: s, ctx: ctx, out: io.Discard}
	must(t, told.play())
	must(t, s.close())

	verified := func(database string) string {
		t.Helper()
		out, status := execute(t, ctx, "verify", "--database", database)
		if status != 0 {
			t.Fatalf("verifying: status %d\n%s", status, out)
		}
		return out
	}
	want := verified(start)
	if !strings.Contains(want, "1 decision") {
		t.Fatalf("nothing was decided:\n%s", want)
	}
	exported := func(database string) string {
		t.Helper()
		out, status := execute(t, ctx, "export", "--database", database)
		if status != 0 {
			t.Fatalf("exporting: status %d\n%s", status, out)
		}
		_, entries, _ := strings.Cut(out, "\n") // the header says when it was made
		return entries
	}
	wantExport := exported(start)
	from := start
	var counts string
	for _, to := range []string{storetest.Postgres(t), storetest.SQLite(t)} {
		out, status := execute(t, ctx, "migrate", "copy", "--from", from, "--to", to)
		if status != 0 {
			t.Fatalf("copying: status %d\n%s", status, out)
		}
		total := out[strings.LastIndex(out, "copied "):]
		if counts != "" && total != counts {
			t.Errorf("then %s, first %s", total, counts)
		}
		counts = total
		if got := verified(to); got != want {
			t.Errorf("verified\n%s\nwant\n%s", got, want)
		}
		if diff := cmp.Diff(wantExport, exported(to)); diff != "" {
			t.Errorf("the export differs:\n%s", diff)
		}
		if out, status := execute(t, ctx, "migrate", "copy", "--from", from, "--to", to); status != statusFailed || !strings.Contains(out, "not empty") {
			t.Errorf("copying again: status %d\n%s", status, out)
		}
		from = to
	}
	// A server starts on the copy, and numbers go on after the copied ones.
	again, err := newStage(ctx, staging{databaseURL: from})
	must(t, err)
	metricsOf(t, ctx, again) // it serves
	must(t, again.settle(ctx))
	must(t, again.close())
}

// What a server took after the copy read the database would be lost at the switch.
func TestADatabaseThatIsServedIsNeitherCopiedNorFilled(t *testing.T) {
	t.Parallel()
	for served, flag := range []string{"--from", "--to"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			databases := []string{storetest.SQLite(t), storetest.SQLite(t)}
			storetest.Open(t, databases[1-served], store.Options{})
			server := storetest.Open(t, databases[served], store.Options{Alone: true})
			out, status := execute(t, ctx, "migrate", "copy", "--from", databases[0], "--to", databases[1])
			if status != statusFailed || !strings.Contains(out, flag+": opening the database: another process serves this SQLite database already") {
				t.Errorf("status %d\n%s", status, out)
			}
			must(t, server.Ping(ctx)) // it goes on
		})
	}
}
