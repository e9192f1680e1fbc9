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

// What is in the database is for its owner alone, whatever the umask; a mode that somebody
// gave a file stays.
func TestANewSQLiteFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	shared := filepath.Join(folder, "shared.db")
	if err := os.WriteFile(shared, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o640); err != nil { // whatever the umask
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"new.db": 0o600, "shared.db": 0o640} {
		s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(folder, name), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		for _, end := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(filepath.Join(folder, name+end))
			if err != nil {
				t.Error(err)
			} else if got := info.Mode().Perm(); got != want {
				t.Errorf("%s has the mode %o, want %o", info.Name(), got, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
