package notification_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/rfc"
)

// transfer saves an RFC as it was, and moves it.
func (o *office) transfer(number int, from, to int64) {
	o.t.Helper()
	at := func(repository int64) app.IssueRef { return app.IssueRef{Repository: repository, Number: number} }
	o.ok(o.store.RFC().InTx(o.t.Context(), func(ctx context.Context, tx rfc.Tx) error {
		r := &rfc.RFC{Community: acme, Number: number, Ref: at(from)}
		return errors.Join(tx.SaveRFC(ctx, r), tx.MoveIssue(ctx, at(from), at(to)))
	}))
}

// What was told of an RFC while it was public is nobody's to read once it is not, be it
// for one member or for all.
func TestWhatIsTransferredIsShownWhereItIsNow(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		o.tell(public, notification.RFCComment, lee)
		o.tell(public, notification.RFCOpened)
		o.transfer(1, public, secret)
		o.transfer(2, public, secret)
		if got := o.look(public, lee); got != "Nothing new in your inbox." {
			t.Errorf("in the public repository:\n%s", got)
		}
		if got := o.look(secret, lee); !strings.Contains(got, "**2 unread**") {
			t.Errorf("in the private one:\n%s", got)
		}
		o.markRead(public, lee)
		if got := o.look(public, lee); got != "Nothing new in your inbox." {
			t.Errorf("marked as read, in the public repository:\n%s", got)
		}
		if got := o.look(secret, lee); !strings.Contains(got, "**2 unread**") {
			t.Errorf("marked as read in the public repository, in the private one:\n%s", got)
		}
	})
}

// What was withheld before it was transferred is unread where it is now, however far each
// of the repositories was read.
func TestWhatIsWithheldStaysUnreadWhereItIsTransferred(t *testing.T) {
	inOffice(t, nil, func(o *office) {
		const vault = secret + 1
		o.ok(o.store.Community().InTx(o.t.Context(), func(ctx context.Context, tx community.Tx) error {
			repo, err := tx.Repository(ctx, secret)
			repo.ID, repo.Name = vault, "vault"
			return errors.Join(err, tx.SaveRepository(ctx, repo))
		}))
		shows := func(from int64, subjects ...string) {
			o.t.Helper()
			got := o.look(from, lee)
			for _, subject := range subjects {
				if !strings.Contains(got, "["+subject+"]") {
					o.t.Errorf("no %s in:\n%s", subject, got)
				}
			}
		}
		o.tell(secret, notification.RFCOpened)
		o.tell(secret, notification.RFCComment, lee)
		o.markRead(public, lee)
		o.tell(vault, notification.RFCOpened)
		o.tell(secret, notification.RFCOpened)
		o.markRead(public, lee)
		o.transfer(1, secret, vault) // which was kept from later on
		shows(vault, "RFC-1", "RFC-3")
		shows(secret, "RFC-2", "RFC-4")
		o.transfer(3, vault, secret) // which was kept from before
		shows(vault, "RFC-1")
		shows(secret, "RFC-2", "RFC-3", "RFC-4")
		o.transfer(2, secret, public) // of which nothing was kept
		shows(public, "RFC-2")
		o.markRead(public, lee)
		if got := o.look(public, lee); got != "Nothing new in your inbox." {
			t.Errorf("after it was read:\n%s", got)
		}
		shows(secret, "RFC-3", "RFC-4")
	})
}
