package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// packed is how the deliveries that hold a word are stored.
func (s *scene) packed(word string) (bodies [][]byte) {
	s.t.Helper()
	stored := map[int64][]byte{}
	must(s.t, s.agora.store.View(s.ctx, func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, body FROM deliveries WHERE body IS NOT NULL`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var body []byte
			if err := rows.Scan(&id, &body); err != nil {
				return err
			}
			stored[id] = body
		}
		return rows.Err()
	}))
	for id, body := range stored {
		entry, err := s.agora.store.ShowEntry(s.ctx, id)
		must(s.t, err)
		if bytes.Contains(bytes.ToLower(entry.Body), bytes.ToLower([]byte(word))) {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// erased checks that nothing of what was stored is left, in the free room of the file
// either.
func (s *scene) erased(url string, bodies [][]byte) {
	s.t.Helper()
	path, lite := strings.CutPrefix(url, "sqlite://")
	if !lite {
		return
	}
	if len(bodies) == 0 {
		s.t.Error("there was nothing to erase")
	}
	for _, file := range []string{path, path + "-wal"} {
		data, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
		for _, body := range bodies {
			if trace := body[:min(len(body), 200)]; bytes.Contains(data, trace) {
				s.t.Errorf("%s still holds a delivery of %d bytes", file, len(body))
			}
		}
	}
}

// holds searches the whole database for a word.
func (s *scene) holds(url, word string) bool {
	s.t.Helper()
	if n := len(s.packed(word)); n > 0 {
		s.t.Logf("%d deliveries", n)
		return true
	}
	if path, lite := strings.CutPrefix(url, "sqlite://"); lite {
		for _, file := range []string{path, path + "-wal"} {
			data, err := os.ReadFile(file)
			if err != nil && !os.IsNotExist(err) {
				s.t.Fatal(err)
			}
			if i := strings.Index(strings.ToLower(string(data)), strings.ToLower(word)); i >= 0 {
				s.t.Logf("%s: …%q…", file, data[max(0, i-200):min(len(data), i+60)])
				return true
			}
		}
		return false
	}
	db := storetest.SQL(s.t, url)
	rows, err := db.QueryContext(s.ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
	must(s.t, err)
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		must(s.t, rows.Scan(&table))
		tables = append(tables, table)
	}
	must(s.t, rows.Err())
	for _, table := range tables {
		var found int
		query := fmt.Sprintf(`SELECT COUNT(*) FROM %q t WHERE t::text ILIKE $1 OR t::text LIKE $2`, table)
		must(s.t, db.QueryRowContext(s.ctx, query, "%"+word+"%", "%"+hex.EncodeToString([]byte(word))+"%").Scan(&found))
		if found > 0 {
			s.t.Logf("%d rows of %s", found, table)
			return true
		}
	}
	return false
}
