package store_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/store"
)

// What arrives comes out as it went in, whatever it is made of, takes little room, and
// may have been written by a version that did not pack.
func TestBodiesComeOutAsTheyWentIn(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		noise := make([]byte, 100_000)
		rng := rand.NewChaCha8([32]byte{7})
		_, _ = rng.Read(noise)
		text := `{"url":"` + strings.Repeat("https://api.github.com/repos/acme/rfcs/", 300) + `"}`
		bodies := [][]byte{{}, []byte(`{}`), []byte(text[:511]), []byte(text[:512]), []byte(text), noise, bytes.Repeat(noise, 4), []byte(text[:600]), {0xFF}, bytes.Repeat([]byte{0xFF}, 600)}
		for _, body := range bodies {
			receive(t, s, "lane", "", string(body))
		}
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var room int
			err := tx.QueryRowContext(ctx, `SELECT MIN(length(body)) FROM deliveries WHERE id = 5`).Scan(&room)
			if room > len(text)/4 {
				t.Errorf("%d bytes of text are stored in %d", len(text), room)
			}
			if err == nil { // as an earlier version left it
				_, err = tx.ExecContext(ctx, `UPDATE deliveries SET body = $1 WHERE id = 5`, []byte(text))
			}
			return err
		}))
		lease, err := s.ClaimLane(t.Context(), time.Minute)
		must(t, err)
		for i, body := range bodies {
			entry, err := s.Head(t.Context(), *lease)
			must(t, err)
			if !bytes.Equal(entry.Body, body) {
				t.Errorf("body %d, of %d bytes, came out as %d bytes", i, len(body), len(entry.Body))
			}
			shown, err := s.ShowEntry(t.Context(), entry.ID)
			must(t, err)
			if !bytes.Equal(shown.Body, body) {
				t.Errorf("body %d, of %d bytes, is shown as %d bytes", i, len(body), len(shown.Body))
			}
			must(t, s.Finish(t.Context(), *lease, entry.ID))
		}
	})
}
