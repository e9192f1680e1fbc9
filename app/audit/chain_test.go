package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/audit"
)

// sealed is a chain of n entries of community 7, and its end.
func sealed(n int) (entries []audit.Entry, head audit.Head) {
	for i := range n {
		e := audit.Entry{Community: 7, Subject: "rfc/1", At: time.Unix(int64(i), 0), Kind: "state", To: fmt.Sprint(i)}
		e.Hash = e.Digest()
		head = head.Next(e.Hash)
		e.Seq, e.Chain = head.Seq, head.Hash
		entries = append(entries, e)
	}
	return entries, head
}

func verify(entries []audit.Entry, head audit.Head) (found []string) {
	chain := audit.Chain{Community: 7}
	for _, e := range entries {
		if err := chain.Add(e, e.Subject == ""); err != nil {
			found = append(found, err.Error())
		}
	}
	if err := chain.End(head); err != nil {
		found = append(found, err.Error())
	}
	return found
}

func TestAChainNamesItsFirstDifferenceOnly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(entries []audit.Entry, head *audit.Head) []audit.Entry
		want   string
	}{
		"nothing":  {func(e []audit.Entry, _ *audit.Head) []audit.Entry { return e }, ""},
		"removed":  {func(e []audit.Entry, _ *audit.Head) []audit.Entry { return slices.Delete(e, 1, 2) }, "entry 2 is missing"},
		"the last": {func(e []audit.Entry, _ *audit.Head) []audit.Entry { return e[:3] }, "entry 4 is missing, where the chain goes on to entry 4"},
		"all":      {func([]audit.Entry, *audit.Head) []audit.Entry { return nil }, "entry 1 is missing, where the chain goes on to entry 4"},
		"twice":    {func(e []audit.Entry, _ *audit.Head) []audit.Entry { return slices.Insert(e, 2, e[1]) }, "entry 2 is out of its place"},
		"altered":  {func(e []audit.Entry, _ *audit.Head) []audit.Entry { e[1].To, e[2].To = "x", "y"; return e }, "entry 2 was changed"},
		"foreign":  {func(e []audit.Entry, _ *audit.Head) []audit.Entry { e[0].Community = 8; return e }, "entry 1 was changed"},
		"reordered": {func(e []audit.Entry, _ *audit.Head) []audit.Entry {
			e[1].Seq, e[2].Seq = 3, 2
			e[1], e[2] = e[2], e[1]
			return e
		}, "entry 2 is not the one that was sealed there: the chain breaks"},
		"the head": {func(e []audit.Entry, h *audit.Head) []audit.Entry { h.Hash = "x"; return e }, "its head is said to be entry 4 with hash x"},
		"withheld": {func(e []audit.Entry, _ *audit.Head) []audit.Entry {
			e[1] = audit.Entry{Seq: 2, Hash: e[1].Hash, Chain: e[1].Chain}
			return e
		}, ""},
		"withheld, and changed": {func(e []audit.Entry, _ *audit.Head) []audit.Entry {
			e[1] = audit.Entry{Seq: 2, Hash: "x", Chain: e[1].Chain}
			return e
		},
			"entry 2 is not the one that was sealed there: the chain breaks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries, head := sealed(4)
			found := verify(tc.change(entries, &head), head)
			switch {
			case tc.want == "" && len(found) > 0, tc.want != "" && len(found) != 1:
				t.Errorf("found %q", found)
			case tc.want != "" && !strings.HasPrefix(found[0], "the audit trail of 7: "+tc.want):
				t.Errorf("found %q, want %q", found, tc.want)
			}
		})
	}
}

func TestAnEntrysHashIsTheSameBeforeItIsSealedAndAfter(t *testing.T) {
	t.Parallel()
	e := audit.Entry{Community: 7, Subject: "rfc/1", At: time.Date(2026, 3, 2, 13, 0, 0, 1999, time.FixedZone("", 3600)), Inputs: audit.Inputs(map[string]string{"a": "<\x00>"})}
	before := e.Digest()
	e.ID, e.Seq, e.Hash, e.Chain, e.At = 9, 3, before, "c", e.At.UTC().Truncate(time.Microsecond)
	if e.Digest() != before {
		t.Error("it changed")
	}
	for name, change := range map[string]func(*audit.Entry){
		"community": func(e *audit.Entry) { e.Community++ }, "subject": func(e *audit.Entry) { e.Subject = "rfc/2" }, "at": func(e *audit.Entry) { e.At = e.At.Add(time.Microsecond) },
		"actor": func(e *audit.Entry) { e.Actor++ }, "kind": func(e *audit.Entry) { e.Kind = "x" }, "from": func(e *audit.Entry) { e.From = "x" }, "to": func(e *audit.Entry) { e.To = "x" },
		"reason": func(e *audit.Entry) { e.Reason = "x" }, "policy": func(e *audit.Entry) { e.PolicyVersion = "x" }, "inputs": func(e *audit.Entry) { e.Inputs = nil },
	} {
		changed := e
		if change(&changed); changed.Digest() == before {
			t.Errorf("the hash does not cover the %s", name)
		}
	}
}
