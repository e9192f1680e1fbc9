package archive

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/agora-rfc/agora/app/rfc"
)

// Writer writes what it visits as JSON Lines.
type Writer struct {
	out     *bufio.Writer
	encoder *json.Encoder
	lines   int64
}

// NewWriter writes to w; the last part of it only at the end of the archive.
func NewWriter(w io.Writer) *Writer {
	out := bufio.NewWriter(w)
	return &Writer{out: out, encoder: json.NewEncoder(out)}
}

// Begun reports whether anything was written.
func (w *Writer) Begun() bool { return w.lines > 0 }

func (w *Writer) write(line any) error {
	w.lines++
	if err := w.encoder.Encode(line); err != nil {
		return fmt.Errorf("writing line %d: %w", w.lines, err)
	}
	return nil
}

// Header writes the first line.
func (w *Writer) Header(h Header) error {
	return w.write(header{Type: headerLine, Format: Format, Version: Version, Header: h})
}

// Community writes the line that what follows belongs to.
func (w *Writer) Community(c Community) error {
	return w.write(section{Type: communityLine, Community: c})
}

// Entry writes one of the audit trail.
func (w *Writer) Entry(e Entry) error {
	if e.Withheld {
		return w.write(withheld{Type: withheldLine, Seq: e.Seq, Hash: e.Hash, Chain: e.Chain})
	}
	return w.write(entry{Type: entryLine, Entry: e.Entry})
}

// Policy writes the one of a repository.
func (w *Writer) Policy(p Policy) error {
	return w.write(policy{Type: policyLine, Repository: p.Repository, Policy: p})
}

// RFC writes an RFC, and behind it each round with its voters and acts.
func (w *Writer) RFC(d rfc.Dossier) error {
	r := d.RFC
	err := w.write(request{Type: rfcLine, ID: r.ID, Community: r.Community, Number: r.Number, State: r.State,
		Repository: r.Ref.Repository, Issue: r.Issue(), RFC: withoutPeople(*r)})
	if err != nil {
		return err
	}
	for _, record := range d.Rounds {
		if err := w.round(record); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) round(record rfc.Record) error {
	if err := w.write(round{Type: roundLine, Number: record.Round.Number, Round: roundWithoutPeople(*record.Round)}); err != nil {
		return err
	}
	for _, v := range record.Voters {
		if err := w.write(voter{Type: voterLine, ID: v.ID, Reputation: v.Reputation, Weight: v.Weight, Regular: v.Regular}); err != nil {
			return err
		}
	}
	for _, a := range record.Acts {
		err := w.write(act{Type: actLine, ID: a.ID, Voter: a.Voter.ID, Choice: a.Choice, Channel: a.Channel, Source: a.Source,
			At: a.At, Seen: a.Seen, URL: a.URL, Reason: a.Reason, Concern: a.Concern})
		if err != nil {
			return err
		}
	}
	return nil
}

// End writes the last line and what is buffered.
func (w *Writer) End() error {
	if err := w.write(end{Type: endLine, Lines: w.lines}); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	return nil
}
