package web

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app/rfc"
)

type communityShape struct {
	Account personShape `json:"account"`
	Head    headShape   `json:"head" doc:"The end of the chain of the audit trail as far as it is sealed. Keep it: a later verification can be held to it"`
}

type headShape struct {
	Seq  int64  `json:"seq" doc:"How many entries are sealed"`
	Hash string `json:"hash" doc:"Of the chain up to and with that entry; empty before the first"`
}

type communityOutput struct{ Body communityShape }

func (s *server) getCommunity(ctx context.Context, in *AccountPath) (*communityOutput, error) {
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*communityOutput, error) {
		account, err := community(ctx, tx, in.Account)
		if err != nil {
			return nil, err
		}
		head, err := tx.AuditHead(ctx, account.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the end of the audit trail of %s: %w", account.Login, err)
		}
		return &communityOutput{Body: communityShape{
			Account: personShape{ID: account.ID, Login: account.Login}, Head: headShape{Seq: head.Seq, Hash: head.Hash},
		}}, nil
	})
}
