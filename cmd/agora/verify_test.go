package main

import (
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/archive"
)

func TestWhatWasVerifiedIsSaidInWholeSentences(t *testing.T) {
	t.Parallel()
	for want, report := range map[string]archive.Report{
		"verified 1 entry of the audit trail, 1 RFC, 0 rounds, 0 ballots and 0 decisions\n" +
			"of 1 entry only the hash is there, because it belongs to a private repository\n": {Entries: 1, RFCs: 1, Withheld: 1},
		"verified 9 entries of the audit trail, 2 RFCs, 1 round, 3 ballots and 1 decision\n" +
			"of 2 entries only the hashes are there, because they belong to private repositories\n": {Entries: 9, RFCs: 2, Rounds: 1, Ballots: 3, Decisions: 1, Withheld: 2},
	} {
		var out strings.Builder
		must(t, reportVerified(&out, report))
		if want += "all is as it was decided\n"; out.String() != want {
			t.Errorf("got %q\nwant %q", out.String(), want)
		}
	}
}
