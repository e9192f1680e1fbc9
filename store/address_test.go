package store_test

import (
	"strings"
	"testing"

	"github.com/agora-rfc/agora/store"
)

// An address is never shown, whatever is wrong with it: the command line's is checked here alone.
func TestOpeningShowsNoPartOfAPassword(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"tiger@hunter2", "tiger/hunter2", "1/hunter2", "tiger#hunter2", "1#hunter2", "tiger?hunter2", "1?hunter2", "tiger%hunter2",
		"tiger[hunter2", "tiger]hunter2", "tiger:hunter2", "tiger@[hunter2]", "tiger%40hunter2",
	} {
		s, err := store.Open(t.Context(), "postgres://agora:"+password+"@127.0.0.1:1/agora?connect_timeout=2", store.Options{})
		if err == nil {
			t.Errorf("%s: opened", password)
			_ = s.Close()
			continue
		}
		for _, piece := range []string{"tiger", "hunter2"} {
			if strings.Contains(err.Error(), piece) {
				t.Errorf("%s: the error shows %q: %v", password, piece, err)
			}
		}
	}
}
