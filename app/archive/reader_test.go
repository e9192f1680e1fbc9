package archive_test

import (
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/archive"
)

const (
	head    = `{"type":"header","format":"agora-export","version":1,"at":"2026-03-02T12:00:00Z","communities":[]}`
	section = `{"type":"community","account":7,"head":{"seq":0,"hash":""}}`
	entry   = `{"type":"entry","community":7,"subject":"member/1","at":"2026-03-02T12:00:00Z","actor":1,"kind":"left","hash":"d1"}`
	request = `{"type":"rfc","id":1,"community":7,"number":1,"state":"open","rfc":{"url":"https://github.example/a/b/issues/1"}}`
	vote    = `{"type":"round","number":1,"round":{}}`
	voter   = `{"type":"voter","id":1,"reputation":0,"weight":100,"regular":true}`
	last    = `{"type":"end","lines":`
)

func read(lines ...string) (archive.Report, error) {
	verifier := archive.NewVerifier()
	err := archive.Read(strings.NewReader(strings.Join(lines, "\n")), verifier)
	return verifier.Report, err
}

func TestWhatIsNoWholeExportIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing":                 {nil, "the export is cut off after line 0"},
		"no end":                  {[]string{head, section}, "the export is cut off after line 2"},
		"half a line":             {[]string{head, section[:20]}, "line 2: unexpected end of JSON input"},
		"a line missing":          {[]string{head, last + `2}`}, "line 2: there were 2 lines, and 1 of them are here"},
		"no header":               {[]string{section, last + `1}`}, "line 1: the header is the first line"},
		"two headers":             {[]string{head, head, last + `2}`}, "line 2: the header is the first line"},
		"more behind the end":     {[]string{head, last + `1}`, section}, "line 3: it comes after the end"},
		"a later version":         {[]string{strings.Replace(head, `"version":1`, `"version":2`, 1)}, `line 1: this is "agora-export" version 2; this program reads "agora-export" version 1`},
		"another format":          {[]string{strings.Replace(head, "agora", "other", 1)}, `line 1: this is "other-export"`},
		"an unknown line":         {[]string{head, `{"type":"coffee"}`}, `line 2: this program knows no lines of type "coffee"`},
		"an entry of nobody":      {[]string{head, entry}, `line 2: "entry" is out of its place`},
		"an entry behind an RFC":  {[]string{head, section, request, entry}, `line 4: "entry" is out of its place`},
		"a round of nothing":      {[]string{head, section, vote}, `line 3: "round" is out of its place`},
		"a voter of no round":     {[]string{head, section, request, voter}, `line 4: "voter" is out of its place`},
		"an RFC of somebody else": {[]string{head, strings.Replace(section, "7", "8", 1), request}, "line 3: it belongs to 7, not to 8"},
		"no JSON":                 {[]string{"agora"}, "line 1: invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := read(tc.lines...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error is %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAnExportOfSeveralCommunitiesIsVerifiedWhole(t *testing.T) {
	t.Parallel()
	found, err := read(head, section, entry, strings.Replace(section, "7", "8", 1), entry, last+"5}")
	if err != nil {
		t.Fatal(err)
	}
	if found.Communities != 2 || found.Entries != 2 || found.Found != 2 ||
		!strings.HasPrefix(found.Differences[0], "the audit trail of 7: the unsealed entry") || !strings.HasPrefix(found.Differences[1], "the audit trail of 8: the unsealed entry") {
		t.Errorf("found %+v", found)
	}
}

func TestDifferencesAreCountedAndTheFirstOnesNamed(t *testing.T) {
	t.Parallel()
	lines := []string{head, section}
	for range 2 * archive.DifferencesKept {
		lines = append(lines, request)
	}
	found, err := read(append(lines, last+"202}")...)
	if err != nil {
		t.Fatal(err)
	}
	if found.Found != 2*archive.DifferencesKept || len(found.Differences) != archive.DifferencesKept {
		t.Errorf("found %d and named %d", found.Found, len(found.Differences))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(strings.Join([]string{head, section, entry, request, vote, voter, last + "6}"}, "\n"))
	decided := `{"type":"entry","community":7,"subject":"rfc/1","kind":"state","to":"accepted","inputs":{"round":1,"outcome":"accepted"}}`
	closed := `{"type":"round","number":1,"round":{"outcome":"accepted","opened_at":"2026-03-02T12:00:00Z","planned":"2026-03-09T12:00:00Z","closed_at":"2026-03-09T12:00:00Z","heads":1,"weight":100}}`
	act := `{"type":"act","id":1,"voter":1,"choice":"approve","channel":"comment","source":1,"at":"2026-03-03T12:00:00Z"}`
	f.Add(strings.Join([]string{head, section, decided, request, closed, voter, act, last + "7}"}, "\n"))
	f.Fuzz(func(_ *testing.T, file string) {
		_, _ = read(file) // whatever it is, it ends
	})
}
