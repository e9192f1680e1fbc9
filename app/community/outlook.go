package community

import (
	"context"

	"github.com/agora-rfc/agora/app"
)

// outlook is what the readers of one repository may know of the others: those that are
// public, and their own.
type outlook struct {
	tx    Tx
	from  int64
	known map[int64]bool
}

func lookFrom(tx Tx, repository int64) outlook {
	return outlook{tx: tx, from: repository, known: map[int64]bool{repository: true, 0: true}}
}

// sees reports whether they may know of a repository; 0 stands for none.
func (o outlook) sees(ctx context.Context, repository int64) (bool, error) {
	if sees, known := o.known[repository]; known {
		return sees, nil
	}
	repo, err := o.tx.Repository(ctx, repository)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return false, err
	}
	o.known[repository] = err == nil && repo.Public()
	return o.known[repository], nil
}

// hides finds the entries that come from what they may not know of.
func (o outlook) hides(ctx context.Context, community int64, terms []Term) (map[int64]bool, error) {
	hidden := map[int64]bool{}
	for _, t := range terms {
		repository, err := o.tx.EntryRepository(ctx, community, t.Entry.Source)
		if err != nil {
			return nil, err
		}
		sees, err := o.sees(ctx, repository)
		if err != nil {
			return nil, err
		}
		if !sees {
			hidden[t.Entry.ID] = true
		}
	}
	return hidden, nil
}
