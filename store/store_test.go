package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "agora.db", "mysql://u:hunter2@h/d", "sqlite://", "sqlite://:memory:",
		"sqlite://a.db?mode=ro", "postgres://u:hunter2@h:port/d", "postgres://u:hunter2@127.0.0.1:1/d"} {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err == nil {
			t.Errorf("%q was opened", url)
			must(t, s.Close())
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestSQLiteMakesItsFolder(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + filepath.Join(t.TempDir(), "a folder", "100%", "agora.db")
	s := storetest.Open(t, url, store.Options{})
	receive(t, s, "a", "", "kept")
	must(t, s.Close())
	again, err := store.Open(t.Context(), url, store.Options{})
	must(t, err)
	defer func() { must(t, again.Close()) }()
	if entry := head(t, again, claim(t, again)); string(entry.Body) != "kept" {
		t.Errorf("after opening again: %q", entry.Body)
	}
}

func TestReadyOnlyWhenMigrated(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{})
		must(t, err)
		defer func() { must(t, s.Close()) }()
		must(t, s.Ping(t.Context()))
		if err := s.Ready(t.Context()); err == nil {
			t.Error("an empty database is ready")
		}
		applied := func() (n int) {
			t.Helper()
			steps, err := s.MigrationStatus(t.Context())
			must(t, err)
			for _, step := range steps {
				if step.Applied {
					n++
				}
			}
			return n - len(steps)
		}
		if applied() == 0 {
			t.Error("an empty database shows no step that is missing")
		}
		must(t, s.Migrate(t.Context()))
		must(t, s.Migrate(t.Context()))
		must(t, s.Ready(t.Context()))
		if n := applied(); n != 0 {
			t.Errorf("%d steps are missing", -n)
		}
	})
}

func TestProcessedBodiesAreDropped(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		run := func() (id int64) {
			lease := claim(t, s)
			id = head(t, s, lease).ID
			must(t, s.Finish(t.Context(), lease, id))
			must(t, s.Release(t.Context(), lease))
			return id
		}
		receive(t, s, "a", "guid-old", "old")
		old := run()
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, "a", "render", "", nil) })
		own := run()
		receive(t, s, "parked", "guid-parked", "kept")
		lease := claim(t, s)
		parked := head(t, s, lease).ID
		must(t, s.ParkEntry(t.Context(), lease, parked, errors.New("broken")))
		clock.advance(time.Hour)
		receive(t, s, "b", "guid-new", "new")
		recent := run()

		dropped, err := s.DropProcessed(t.Context(), clock.now(), clock.now().Add(-time.Hour))
		must(t, err)
		if dropped != 2 {
			t.Errorf("dropped %d, want 2", dropped)
		}
		for id, want := range map[int64]string{old: "", recent: "new", parked: "kept"} {
			entry, err := s.ShowEntry(t.Context(), id)
			must(t, err)
			if string(entry.Body) != want {
				t.Errorf("entry %d keeps %q, want %q", id, entry.Body, want)
			}
		}
		if _, err := s.ShowEntry(t.Context(), own); !app.Is(err, app.CodeNotFound) {
			t.Errorf("work of our own is kept: %v", err)
		}
		if got := receive(t, s, "a", "guid-old", "again"); got != app.Duplicate {
			t.Errorf("an old delivery that comes again: receipt %v", got)
		}
		clock.advance(time.Hour)
		dropped, err = s.DropProcessed(t.Context(), clock.now().Add(-3*time.Hour), clock.now().Add(-time.Hour))
		must(t, err)
		if dropped != 1 {
			t.Errorf("forgot %d keys, want 1", dropped)
		}
		if _, err := s.ShowEntry(t.Context(), old); !app.Is(err, app.CodeNotFound) {
			t.Errorf("the key of what was done long ago is kept: %v", err)
		}
		for _, kept := range []int64{recent, parked} {
			_, err := s.ShowEntry(t.Context(), kept)
			must(t, err)
		}
	})
}
