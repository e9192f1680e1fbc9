package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
)

// databaseFlags say which database a command works on: the server's, unless another
// is named.
type databaseFlags struct {
	file string
	url  string
}

func (f *databaseFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.file, "config", "", "configuration file (agora.yaml when it is there)")
	c.PersistentFlags().StringVar(&f.url, "database", "", "address of the database, in place of the configured one (AGORA_DATABASE_URL keeps a password out of the list of processes)")
}

func (f *databaseFlags) address() (string, error) {
	if f.url != "" {
		return f.url, nil
	}
	url, err := config.LoadDatabaseURL(f.file, os.LookupEnv)
	return url.Reveal(), err
}

// open connects to the database.
func (f *databaseFlags) open(ctx context.Context) (*store.Store, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, address, store.Options{})
}

// openExisting connects to a database that is there, and current.
func (f *databaseFlags) openExisting(ctx context.Context) (*store.Store, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	return openExisting(ctx, address, store.Options{})
}

// openExisting is for an address that the command was given by itself.
func openExisting(ctx context.Context, address string, opts store.Options) (*store.Store, error) {
	if err := isThere(address); err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, address, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Ready(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// noDatabase says that there is no file where a database is named: opening it would
// make one.
type noDatabase struct{ path string }

func (e noDatabase) Error() string { return "there is no database at " + e.path }

// isThere looks for the file of a database that is one; the others are asked.
func isThere(address string) error {
	path, isFile := strings.CutPrefix(address, "sqlite://")
	if !isFile {
		return nil
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return noDatabase{path}
	}
	return nil
}
