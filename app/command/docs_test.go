package command

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md")

// The reference that people read is the registry's own.
func TestTheCommandReferenceIsTheRegistrys(t *testing.T) {
	t.Parallel()
	const file = "../../docs/commands.md"
	want := Default().Docs()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil { //nolint:gosec // a document for everybody
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/commands.md is not what `go test ./app/command -update` writes:\n%s", diff)
	}
}
