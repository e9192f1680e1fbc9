package rfc_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/archive"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// tampering is what somebody does to a database, or to the lines of an export,
// after RFC-1 was decided, and what verifying says first.
type tampering struct {
	database func(h *hall)
	export   func(e *exported)
	want     string
}

// isFound plays the tampering on both databases, and on an export of each.
func (tc tampering) isFound(t *testing.T) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s).decided()
		file := h.export()
		first(t, "the untouched export", file.verify(), "")
		tc.export(file)
		tc.database(h)
		first(t, "the database", h.verify(), tc.want)
		first(t, "the export", file.verify(), tc.want)
	})
}

// first compares what was found first; "" wants nothing found.
func first(t *testing.T, where string, found archive.Report, want string) {
	t.Helper()
	if want == "" && found.Found > 0 || want != "" && (found.Found == 0 || !strings.Contains(found.Differences[0], want)) {
		t.Errorf("%s: the first difference is not %q:\n%s", where, want, strings.Join(found.Differences, "\n"))
	}
}

// execute changes rows behind Agora's back.
func (h *hall) execute(statement string, args ...any) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *store.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("%s changed %d rows: %w", statement, n, err)
		}
		return nil
	})
}

// rewrite replaces a part of the JSON in the one row's body.
func (h *hall) rewrite(table, where, was, is string) {
	h.t.Helper()
	var body []byte
	h.change(func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT body FROM `+table+` WHERE `+where).Scan(&body)
	})
	if !bytes.Contains(body, []byte(was)) {
		h.t.Fatalf("%s where %s holds no %s: %s", table, where, was, body)
	}
	h.execute(`UPDATE `+table+` SET body = $1 WHERE `+where, bytes.Replace(body, []byte(was), []byte(is), 1))
}

func (h *hall) seal() {
	h.t.Helper()
	_, err := h.store.SealAudit(h.t.Context())
	h.must(err)
}

func (h *hall) head() (head audit.Head) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *store.Tx) (err error) {
		head, err = tx.AuditHead(ctx, hallRepo.Owner.ID)
		return err
	})
	return head
}

// exported is an export by lines.
type exported struct {
	t     *testing.T
	lines []string
}

func (h *hall) export() *exported {
	h.t.Helper()
	var out bytes.Buffer
	h.must(h.store.Archive().View(h.t.Context(), func(ctx context.Context, tx archive.Tx) error {
		return archive.Walk(ctx, tx, archive.Scope{}, h.now, archive.NewWriter(&out))
	}))
	return &exported{h.t, strings.SplitAfter(strings.TrimSuffix(out.String(), "\n"), "\n")}
}

// verify needs no database. Who tampers with an export counts its lines anew.
func (e *exported) verify(anchors ...audit.Head) archive.Report {
	e.t.Helper()
	e.lines[len(e.lines)-1] = fmt.Sprintf(`{"type":"end","lines":%d}`, len(e.lines)-1)
	verifier := archive.NewVerifier(anchors...)
	if err := archive.Read(strings.NewReader(strings.Join(e.lines, "")), verifier); err != nil {
		e.t.Fatal(err)
	}
	return verifier.Report
}

// find is the first line that begins so after the fields "type".
func (e *exported) find(begins string) int {
	e.t.Helper()
	at := slices.IndexFunc(e.lines, func(line string) bool { return strings.Contains(line, begins) })
	if at < 0 {
		e.t.Fatalf("there is no line with %s", begins)
	}
	return at
}

func (e *exported) remove(line string) {
	e.t.Helper()
	at := e.find(line)
	e.lines = slices.Delete(e.lines, at, at+1)
}

func (e *exported) replace(line, was, is string) {
	e.t.Helper()
	at := e.find(line)
	if !strings.Contains(e.lines[at], was) {
		e.t.Fatalf("there is no %s in %s", was, e.lines[at])
	}
	e.lines[at] = strings.Replace(e.lines[at], was, is, 1)
}

func TestABallotThatWasChangedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.execute(`UPDATE acts SET choice = 'reject' WHERE source = 1010`) },
		export:   func(e *exported) { e.replace(`"source":1010,"at":"2026-03-02T12:10:00Z","seen"`, "approve", "reject") },
		want:     "RFC-1 (https://github.example/acme/rfcs/issues/3), round 2: by the trail there was a ballot of 102 by comment 1010 at 2026-03-02T12:10:00Z: approve",
	}.isFound(t)
}

func TestABallotThatWasRemovedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.execute(`DELETE FROM acts WHERE source = 1004`) },
		export:   func(e *exported) { e.remove(`"source":1004,"at":"2026-03-02T12:04:00Z","seen"`) },
		want:     ", round 2: by the trail there was a ballot of 101 by comment 1004",
	}.isFound(t)
}

func TestASupersededBallotThatWasRemovedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.execute(`DELETE FROM acts WHERE source = 1005`) },
		export:   func(e *exported) { e.remove(`"source":1005,"at":"2026-03-02T12:05:00Z","seen"`) },
		want:     ", round 2: by the trail there was a ballot of 103 by comment 1005",
	}.isFound(t)
}

func TestABallotThatWasAddedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) {
			h.execute(`INSERT INTO acts (rfc, round, voter, login, choice, channel, source, at, seen, url, reason, concern)
				SELECT rfc, round, 104, login, 'reject', channel, 9999, at + 1, seen, url, reason, concern FROM acts WHERE source = 1012`)
		},
		export: func(e *exported) {
			last := e.find(`"source":1012,"at":"2026-03-02T12:12:00Z","seen"`)
			added := strings.NewReplacer(`"id":8`, `"id":9`, "1012", "9999", "12:12:00Z", "12:12:00.000001Z", "approve", "reject").Replace(e.lines[last])
			e.lines = slices.Insert(e.lines, last+1, added)
		},
		want: ", round 2: the trail does not know of a ballot of 104 by comment 9999",
	}.isFound(t)
}

// Of a ballot that the trail has been made to know of, the decision does not know.
func TestABallotThatWasAddedToTheTrailTooIsFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s).decided()
		h.execute(`UPDATE acts SET choice = 'reject' WHERE source = 1010`)
		h.rewrite("audit", "seq = 19", `"to":"approve"`, `"to":"reject"`)
		h.sealAnew()
		first(t, "the database", h.verify(), "the tally is approve 4.44 by 2 voters, reject 1.88 by 1 voter, ")
		first(t, "the export", h.export().verify(), ", round 2: the tally is ")
	})
}

func TestAWeightThatWasChangedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.execute(`UPDATE electorate SET weight = 900 WHERE round = 2 AND voter = 104`) },
		export: func(e *exported) {
			second := e.find(`"type":"round","number":2`)
			rest := &exported{e.t, e.lines[second:]}
			rest.replace(`"type":"voter","id":104`, `"weight":188`, `"weight":900`)
		},
		want: ", round 2: its electorate is not the one that was frozen (entry 11 of the trail)",
	}.isFound(t)
}

func TestAnAcceptanceThatWasMovedToAnotherTextIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.rewrite("rfcs", "id = 1", `"bound":{"hash":"`, `"bound":{"hash":"ff`) },
		export:   func(e *exported) { e.replace(`"type":"rfc"`, `"bound":{"hash":"`, `"bound":{"hash":"ff`) },
		want:     `: it is accepted for the text "ff`,
	}.isFound(t)
	// The commit alone decides whether a pull request's check is green.
	t.Run("to another commit", func(t *testing.T) {
		tampering{
			database: func(h *hall) { h.rewrite("rfcs", "id = 1", `"bound":{`, `"bound":{"head":"ff",`) },
			export:   func(e *exported) { e.replace(`"type":"rfc"`, `"bound":{`, `"bound":{"head":"ff",`) },
			want:     `: it is accepted for the text "ff", but by entry `,
		}.isFound(t)
	})
}

func TestAnEntryThatWasRemovedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.execute(`DELETE FROM audit WHERE seq = 13`) },
		export:   func(e *exported) { e.remove(`"type":"entry","seq":13`) },
		want:     "the audit trail of 77: entry 13 is missing",
	}.isFound(t)
}

func TestALastEntryThatWasRemovedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.execute(`DELETE FROM audit WHERE seq = 22`) },
		export:   func(e *exported) { e.remove(`"type":"entry","seq":22`) },
		want:     "the audit trail of 77: entry 22 is missing",
	}.isFound(t)
}

func TestEntriesThatWereReorderedAreFound(t *testing.T) {
	tampering{
		database: func(h *hall) {
			for _, swap := range [][2]int{{12, -1}, {13, 12}, {-1, 13}} {
				h.execute(`UPDATE audit SET seq = $1 WHERE seq = $2`, swap[1], swap[0])
			}
		},
		export: func(e *exported) {
			a, b := e.find(`"seq":12,`), e.find(`"seq":13,`)
			e.lines[a], e.lines[b] = strings.Replace(e.lines[b], `"seq":13`, `"seq":12`, 1), strings.Replace(e.lines[a], `"seq":12`, `"seq":13`, 1)
		},
		want: "the audit trail of 77: entry 12 is not the one that was sealed there: the chain breaks",
	}.isFound(t)
}

func TestAnEntryThatWasAlteredIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.rewrite("audit", "seq = 8", "/rfc vote", "/rfc move") },
		export:   func(e *exported) { e.replace(`"seq":8,`, "/rfc vote", "/rfc move") },
		want:     "the audit trail of 77: entry 8 was changed",
	}.isFound(t)
}

// An entry that is right in itself is not the one that was sealed.
func TestAnEntryThatWasForgedIsFound(t *testing.T) {
	forged := audit.Entry{Community: 77, Subject: "member/103", Kind: "left", Actor: 103}
	tampering{
		database: func(h *hall) {
			h.rewrite("audit", "seq = 4", `"reason":"genesis"`, `"reason":"command"`)
			h.execute(`UPDATE audit SET hash = $1 WHERE seq = 4`, h.entry(4).Digest())
		},
		export: func(e *exported) {
			at := e.find(`"seq":4,`)
			chain := e.lines[at][strings.Index(e.lines[at], `"chain"`):]
			e.lines[at] = fmt.Sprintf(`{"type":"entry","seq":4,"community":77,"subject":"member/103","at":"0001-01-01T00:00:00Z","actor":103,"kind":"left","hash":"%s",%s`, forged.Digest(), chain)
		},
		want: "the audit trail of 77: entry 4 is not the one that was sealed there: the chain breaks",
	}.isFound(t)
}

func TestRulesOfARoundThatWereChangedAfterTheFactAreFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.rewrite("rounds", "number = 2", `"min_supporters":2`, `"min_supporters":0`) },
		export: func(e *exported) {
			e.replace(`"type":"round","number":2`, `"min_supporters":2`, `"min_supporters":0`)
		},
		want: ", round 2: its rules are not those of version ",
	}.isFound(t)
}

func TestAPolicyThatWasChangedAfterTheFactIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.rewrite("policies", "repository = 9", `"min_supporters":2`, `"min_supporters":0`) },
		export:   func(e *exported) { e.replace(`"type":"policy"`, `"min_supporters":2`, `"min_supporters":0`) },
		want:     "the policy of repository 9: its rules are not those of version ",
	}.isFound(t)
}

func TestAPolicyThatWasChangedInTheTrailIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) { h.rewrite("audit", "seq = 1", `"min_supporters":2`, `"min_supporters":0`) },
		export:   func(e *exported) { e.replace(`"seq":1,`, `"min_supporters":2`, `"min_supporters":0`) },
		want:     "the audit trail of 77: entry 1 was changed",
	}.isFound(t)
}

func TestAnRFCThatWasRemovedIsFound(t *testing.T) {
	tampering{
		database: func(h *hall) {
			for _, table := range []string{"acts", "electorate", "rounds", "rfcs"} {
				h.execute(`DELETE FROM ` + table)
			}
		},
		export: func(e *exported) {
			e.lines = slices.DeleteFunc(e.lines, func(line string) bool {
				return slices.ContainsFunc([]string{"rfc", "round", "voter", "act"}, func(kind string) bool {
					return strings.HasPrefix(line, `{"type":"`+kind+`"`)
				})
			})
		},
		want: "the trail of rfc/1: there is no such RFC",
	}.isFound(t)
}

// Statistics and digests go by columns beside the rounds, which no export has.
func TestColumnsThatContradictTheRoundAreFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s).decided()
		misfiled := func() (found []string) {
			h.change(func(ctx context.Context, tx *store.Tx) error {
				return tx.Misfiled(ctx, func(what string) { found = append(found, what) })
			})
			return found
		}
		if found := misfiled(); found != nil {
			t.Errorf("where nothing was changed: %v", found)
		}
		for changed, undone := range map[string]string{
			"outcome = 'rejected'": "outcome = 'accepted'", "voters = voters + 1": "voters = voters - 1",
			"heads = heads + 1":                      "heads = heads - 1",
			"outcome = '', decided_at = -decided_at": "outcome = 'accepted', decided_at = -decided_at", "decided_at = decided_at - 1": "decided_at = decided_at + 1",
		} {
			h.execute(`UPDATE rounds SET ` + changed + ` WHERE number = 2`)
			if found := misfiled(); len(found) != 1 || !strings.HasPrefix(found[0], "RFC-1 (https://github.example/acme/rfcs/issues/3), round 2: ") {
				t.Errorf("after %s: %v", changed, found)
			}
			h.execute(`UPDATE rounds SET ` + undone + ` WHERE number = 2`)
		}
		h.execute(`UPDATE rfcs SET type = 'another'`)
		if found := misfiled(); len(found) != 1 || !strings.HasPrefix(found[0], "RFC-1 (") {
			t.Errorf("after the RFC's type was changed: %v", found)
		}
	})
}

func (h *hall) entry(seq int64) (e audit.Entry) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *store.Tx) error {
		entries, err := tx.SealedAudit(ctx, hallRepo.Owner.ID, seq-1, 1)
		e = entries[0]
		return err
	})
	return e
}

// sealAnew is what a thief of the whole database can do: all hashes made anew.
func (h *hall) sealAnew() {
	h.t.Helper()
	h.execute(`UPDATE audit SET seq = NULL, chain = NULL, hash = ''`)
	h.execute(`DELETE FROM audit_heads`)
	h.seal()
}

// What was made anew from the beginning, or cut off with its head, is right in
// itself. A head that somebody kept tells.
func TestAHeadFromBeforeTellsOfATrailThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(h *hall){
		"changed": func(h *hall) {
			h.rewrite("audit", "seq = 4", `"reason":"genesis"`, `"reason":"command"`)
			h.sealAnew()
		},
		"cut off": func(h *hall) {
			h.execute(`DELETE FROM audit WHERE seq = 23`)
			h.execute(`UPDATE audit_heads SET seq = 22, chain = (SELECT chain FROM audit WHERE seq = 22)`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s).decided()
				h.change(func(ctx context.Context, tx *store.Tx) error {
					return tx.AppendAudit(ctx, audit.Entry{Community: 77, Subject: "member/104", Kind: "left", At: h.now})
				})
				h.seal()
				kept := h.head()
				first(t, "the database before", h.verify(kept), "")
				first(t, "the export before", h.export().verify(kept), "")
				forge(h)
				first(t, "the database alone", h.verify(), "")
				first(t, "the export alone", h.export().verify(), "")
				want := "no chain passes through entry 23 with hash " + kept.Hash
				first(t, "the database and the head", h.verify(kept), want)
				first(t, "the export and the head", h.export().verify(kept), want)
			})
		})
	}
}

// While a round is open, and before the trail is sealed, the ballots and their
// entries vouch for each other.
func TestBallotsOfAnOpenRoundAreVerified(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ statement, want string }{
		"nothing":                                {``, ""},
		"a ballot changed":                       {`UPDATE acts SET choice = 'approve' WHERE source = 1002`, "the trail does not know of a ballot of 103 by comment 1002 at 2026-03-02T12:02:00Z: approve"},
		"a ballot removed":                       {`DELETE FROM acts WHERE source = 1002`, "by the trail there was a ballot of 103 by comment 1002"},
		"a ballot added":                         {`INSERT INTO acts (rfc, round, voter, login, choice, channel, source, at, seen, url, reason, concern) SELECT rfc, round, 101, login, 'approve', channel, 9, at, seen, url, reason, concern FROM acts`, "the trail does not know of a ballot of 101 by comment 9"},
		"the unsealed entry of a ballot removed": {`DELETE FROM audit WHERE id = (SELECT MAX(id) FROM audit)`, "the trail does not know of a ballot of 103 by comment 1002"},
		"an unsealed entry changed":              {`UPDATE audit SET hash = (SELECT hash FROM audit WHERE id = 2) WHERE id = (SELECT MAX(id) FROM audit)`, `the audit trail of 77: the unsealed entry "ballot" of rfc/1 at 2026-03-02T12:02:00Z was changed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				h.refresh()
				h.say("maya", "/rfc vote")
				h.say("lee", "/vote reject")
				if tc.statement != "" {
					h.execute(tc.statement)
				}
				first(t, "the database", h.verify(), tc.want)
				first(t, "the export", h.export().verify(), tc.want)
			})
		})
	}
}

// What belongs to a private repository is not exported; the chain still holds.
func TestAnExportWithholdsWhatIsPrivate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s).decided()
		private := hallRepo
		private.Private = true
		h.change(func(ctx context.Context, tx *store.Tx) error { return tx.SaveRepository(ctx, private) })
		file := h.export()
		found := file.verify(h.head())
		first(t, "the export", found, "")
		if found.Entries != 22 || found.Withheld != 18 || found.RFCs != 0 || found.Ballots != 0 {
			t.Errorf("the export holds %+v", found)
		}
		text := strings.Join(file.lines, "")
		// The number of a comment stands between other signs: within a hash it says nothing.
		for _, secret := range []string{"Weighted quorum", "nobody measured", "issues/3", "min_supporters", `\b1004\b`} {
			if found := regexp.MustCompile(secret).FindString(text); found != "" {
				t.Errorf("%q is in the export", found)
			}
		}
	})
}

func TestAnExportIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		file := strings.Join(newHall(t, s).decided().export().lines, "")
		var again bytes.Buffer
		if err := archive.Read(strings.NewReader(file), archive.NewWriter(&again)); err != nil {
			t.Fatal(err)
		}
		if again.String() != file+"\n" {
			t.Errorf("written again it is\n%s\nand was\n%s", &again, file)
		}
	})
}

// The chain follows from the lines by nothing but what docs/verification.md says.
func TestAnExportsChainIsAsDescribed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		h.say("lee", `/concern raise "a < b & c > d, \u2028 'quoted' <!-- \\ é"`)
		h.say("maya", `/rfc withdraw "a < b & c > d"`)
		h.seal()
		seal := regexp.MustCompile(`^\{"type":"entry","seq":\d+,(.*?)(?:,"words":".*","salt":"\w+")?,"hash":"([0-9a-f]{64})","chain":"([0-9a-f]{64})"\}\n$`)
		sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
		words := regexp.MustCompile(`"said":"([0-9a-f]{64})","words":(".*"),"salt":"(\w+)"`)
		chain, entries, said := "", 0, 0
		for _, line := range h.export().lines {
			if !strings.HasPrefix(line, `{"type":"entry"`) {
				continue
			}
			part := seal.FindStringSubmatch(line)
			if part == nil {
				t.Fatalf("not as described: %s", line)
			}
			if hash := sum("{" + part[1] + "}"); hash != part[2] {
				t.Errorf("the hash is %s of %s", hash, line)
			}
			if chain = sum(chain + "\n" + part[2]); chain != part[3] {
				t.Errorf("the chain is %s at %s", chain, line)
			}
			if spoken := words.FindStringSubmatch(line); spoken != nil {
				said++
				var text string
				if err := json.Unmarshal([]byte(spoken[2]), &text); err != nil || sum(spoken[3]+"\n"+text) != spoken[1] {
					t.Errorf("other words were said (%v): %s", err, line)
				}
			}
			entries++
		}
		if said != 1 {
			t.Errorf("%d entries have words, want the withdrawal's", said)
		}
		if entries < 8 || chain != h.head().Hash {
			t.Errorf("%d entries end with %s", entries, chain)
		}
	})
}

// People stand in an export by numeric id only.
func TestAnExportNamesNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		h.say("maya", "/rfc vote")
		h.say("lee", `/concern raise "the figures are missing"`)
		h.say("maya", `/rfc extend 1d "more time for the figures"`)
		h.say("maya", `/concern overrule 1 "we have them by now"`)
		file := h.export()
		first(t, "the export", file.verify(), "")
		if len(file.lines) < 20 {
			t.Errorf("the export has %d lines", len(file.lines))
		}
		text := strings.Join(file.lines, "")
		for _, login := range people {
			if strings.Contains(text, login) {
				t.Errorf("%s is in the export: %s", login, file.lines[file.find(login)])
			}
		}
	})
}
