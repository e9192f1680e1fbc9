package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
)

// longestLine bounds one line in bytes: an RFC with all its concerns.
const longestLine = 64 << 20

// Read shows the visitor what a Writer wrote. The error names the line that cannot
// be read; a file that was cut off is an error too.
func Read(in io.Reader, visitor Visitor) error {
	r := reader{visitor: visitor}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := r.line(lines.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", r.lines+1, err)
		}
		r.lines++
	}
	switch err := lines.Err(); {
	case err != nil:
		return fmt.Errorf("reading line %d: %w", r.lines+1, err)
	case !r.ended:
		return fmt.Errorf("the export is cut off after line %d", r.lines)
	}
	return nil
}

// reader puts lines together.
type reader struct {
	visitor   Visitor
	lines     int64
	begun     bool
	inside    bool // a community
	community int64
	stage     int // of the community: what belongs to an earlier one comes no more
	dossier   *rfc.Dossier
	ended     bool
}

// stages are the order of what a community consists of.
var stages = map[string]int{entryLine: 1, withheldLine: 1, policyLine: 2, rfcLine: 3, roundLine: 3, voterLine: 3, actLine: 3}

func (r *reader) line(data []byte) error {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return err
	}
	if r.ended {
		return errors.New("it comes after the end")
	}
	if (kind.Type == headerLine) == r.begun {
		return errors.New("the header is the first line, and only that")
	}
	if r.misplaced(kind.Type) {
		return fmt.Errorf("%q is out of its place", kind.Type)
	}
	switch kind.Type {
	case roundLine, voterLine, actLine:
	default:
		if err := r.flush(); err != nil {
			return err
		}
	}
	return r.take(kind.Type, data)
}

// misplaced reports whether a line of the type may not come now. It notes the stage.
func (r *reader) misplaced(kind string) bool {
	stage, ofCommunity := stages[kind]
	switch {
	case !ofCommunity:
		return false
	case !r.inside, stage < r.stage:
		return true
	case kind == roundLine:
		return r.dossier == nil
	case kind == voterLine, kind == actLine:
		return r.dossier == nil || len(r.dossier.Rounds) == 0
	}
	r.stage = stage
	return false
}

func (r *reader) take(kind string, data []byte) error {
	switch kind {
	case headerLine:
		r.begun = true
		return taken(data, func(h *header) error {
			if h.Format != Format || h.Version != Version {
				return fmt.Errorf("this is %q version %d; this program reads %q version %d", h.Format, h.Version, Format, Version)
			}
			return r.visitor.Header(h.Header)
		})
	case communityLine:
		return taken(data, func(c *section) error {
			r.inside, r.community, r.stage = true, c.Account, 0
			return r.visitor.Community(c.Community)
		})
	case entryLine:
		return taken(data, func(e *entry) error { return r.visitor.Entry(Entry{Entry: e.Entry}) })
	case withheldLine:
		return taken(data, func(w *withheld) error {
			return r.visitor.Entry(Entry{Entry: audit.Entry{Community: r.community, Seq: w.Seq, Hash: w.Hash, Chain: w.Chain}, Withheld: true})
		})
	case policyLine:
		return taken(data, func(p *policy) error {
			p.Policy.Repository = p.Repository
			return r.visitor.Policy(p.Policy)
		})
	case rfcLine:
		return taken(data, r.request)
	case roundLine:
		return taken(data, r.round)
	case voterLine:
		return taken(data, func(v *voter) error {
			record := r.record()
			record.Voters = append(record.Voters, rfc.Voter{ID: v.ID, Reputation: v.Reputation, Weight: v.Weight, Regular: v.Regular})
			return nil
		})
	case actLine:
		return taken(data, r.act)
	case endLine:
		r.ended = true
		return taken(data, func(e *end) error {
			if e.Lines != r.lines {
				return fmt.Errorf("there were %d lines, and %d of them are here", e.Lines, r.lines)
			}
			return r.visitor.End()
		})
	}
	return fmt.Errorf("this program knows no lines of type %q", kind)
}

func taken[T any](data []byte, take func(*T) error) error {
	line := new(T)
	if err := json.Unmarshal(data, line); err != nil {
		return err
	}
	return take(line)
}

func (r *reader) request(line *request) error {
	if line.Community != r.community {
		return fmt.Errorf("it belongs to %d, not to %d", line.Community, r.community)
	}
	found := line.RFC
	found.ID, found.Community, found.Number, found.State = line.ID, line.Community, line.Number, line.State
	found.Ref = app.IssueRef{Repository: line.Repository, Number: line.Issue}
	r.dossier = &rfc.Dossier{RFC: &found}
	return nil
}

func (r *reader) round(line *round) error {
	found := line.Round
	found.RFC, found.Number = r.dossier.RFC.ID, line.Number
	r.dossier.Rounds = append(r.dossier.Rounds, rfc.Record{
		Round: &found, Author: r.dossier.RFC.Author.ID, Concerns: r.dossier.RFC.Concerns, Now: found.ClosedAt,
	})
	return nil
}

func (r *reader) record() *rfc.Record { return &r.dossier.Rounds[len(r.dossier.Rounds)-1] }

func (r *reader) act(a *act) error {
	record := r.record()
	record.Acts = append(record.Acts, rfc.Act{
		ID: a.ID, RFC: r.dossier.RFC.ID, Round: record.Round.Number, Voter: app.User{ID: a.Voter}, Choice: a.Choice, Channel: a.Channel,
		Source: a.Source, At: a.At.UTC(), Seen: a.Seen.UTC(), URL: a.URL, Reason: a.Reason, Concern: a.Concern,
	})
	return nil
}

// flush shows the RFC that was put together.
func (r *reader) flush() error {
	if r.dossier == nil {
		return nil
	}
	dossier := *r.dossier
	r.dossier = nil
	return r.visitor.RFC(dossier)
}
