package community_test

import (
	"context"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// Whoever reads along in public learns nothing of what was done in private repositories:
// it is not counted, and a receipt adds up by one line that does not say where from.
func TestWhatWasDoneInPrivateIsNotShownInPublic(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		joined(f)
		vault := app.Repository{ID: 12, Owner: rocket.Owner, Name: "vault", Private: true, Installation: 5}
		f.change(func(ctx context.Context, tx community.Tx) error {
			for _, repo := range []app.Repository{rocket, vault} {
				if err := tx.SaveRepository(ctx, repo); err != nil {
					return err
				}
			}
			for i, repository := range []int64{rocket.ID, vault.ID, vault.ID} {
				c := community.Contribution{Member: maya, Kind: community.ContributedComment, Repository: repository, At: f.now, Source: "comment/" + string(rune('1'+i))}
				if err := community.Contribute(ctx, tx, rocket.Owner.ID, c); err != nil {
					return err
				}
			}
			return nil
		})
		f.enter(community.NewEntry(rules, config.GenesisAdmin, maya, f.now, "genesis/12/101"), community.NewEntry(rules, config.PullRequestMerged, maya, f.now, "merged/12/4"))
		show, receipt := f.accepts(person(kim, "kim"), "/member show @maya"), f.accepts(person(kim, "kim"), "/member reputation @maya")
		if !strings.Contains(show, "| Contributions | comment 1 |") || strings.Contains(show, "merged") {
			f.t.Errorf("the profile shows:\n%s", show)
		}
		if !strings.Contains(receipt, "in private repositories | | | | 15.0000 | 0.0000 |") || strings.Contains(receipt, "merged") {
			f.t.Errorf("the receipt shows:\n%s", receipt)
		}
		if strings.Count(receipt, "genesis") != 1 { // the one of the public repository, and the word is said nowhere else
			f.t.Errorf("the receipt names a private repository's genesis:\n%s", receipt)
		}
	})
}
