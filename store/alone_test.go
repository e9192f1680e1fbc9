package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/store"
)

func TestOneProcessAloneServesASQLiteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "agora.db")
	var log strings.Builder // nothing runs in the background while it is read
	open := func(path string, alone bool) (*store.Store, error) {
		log.Reset()
		return store.Open(t.Context(), "sqlite://"+path, store.Options{Alone: alone, Logger: zerolog.New(&log)})
	}
	first, err := open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.db")
	if err := os.Symlink(path, other); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, other} {
		if second, err := open(name, true); err == nil {
			t.Errorf("a second one serves %s", name)
			_ = second.Close()
		} else if !strings.Contains(err.Error(), "another process serves this SQLite database") {
			t.Errorf("a second one is refused with %v", err)
		}
		if strings.Count(log.String(), "waiting for it to end") != 1 {
			t.Errorf("that a second one waits is not said once: %q", &log)
		}
	}
	looking, err := open(path, false)
	if err != nil {
		t.Fatalf("looking on beside it: %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("who only looks on does not wait: %q", &log)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := open(path, true)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	for _, s := range []*store.Store{looking, next} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
