package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

// apiRoot is where the API lives.
const apiRoot = "/api/v1"

// mountAPI registers the operations and their description.
func (s *server) mountAPI(mux *http.ServeMux) {
	cfg := huma.DefaultConfig("Agora", "1")
	cfg.Info.Description = "RFC votes on GitHub, read-only. Weights are decimal strings, instants RFC 3339 in UTC. Lists are paged: follow next, or the Link header."
	cfg.OpenAPIPath = apiRoot + "/openapi"
	cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", nil
	cfg.Transformers = append(cfg.Transformers, withoutInput)
	if s.publicURL != "" {
		cfg.Servers = []*huma.Server{{URL: s.publicURL}}
	}
	api := humago.New(mux, cfg)

	community := apiRoot + "/communities/{account}"
	get(api, "get-community", community, "A community, and where its audit trail ends", s.getCommunity)
	get(api, "list-rfcs", community+"/rfcs", "The RFCs of a community, newest first", s.listRFCs)
	get(api, "get-rfc", community+"/rfcs/{number}", "One RFC", s.getRFC)
	get(api, "list-ballots", community+"/rfcs/{number}/ballots", "Every ballot of every round, oldest first", s.listBallots)
	get(api, "list-audit", community+"/rfcs/{number}/audit", "The audit trail of an RFC, oldest first", s.listAudit)
	get(api, "list-members", community+"/members", "The members of a community", s.listMembers)
	get(api, "get-member", community+"/members/{login}", "One member", s.getMember)
	get(api, "get-stats", community+"/stats", "How a community is doing", s.getStats)
	get(api, "list-leaderboard", community+"/leaderboard", "The members who earned most, or have the highest reputation", s.listLeaderboard)
	get(api, "gate", apiRoot+"/gate", "Whether an RFC lets a pull request through", s.gate)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, nothing.Message)
	})
}

// get registers a read; errors of the domain become problems.
func get[In, Out any](api huma.API, id, path, summary string, handle func(context.Context, *In) (*Out, error)) {
	huma.Register(api, huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary,
		Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *In) (*Out, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return out, nil
	})
}

// withoutInput takes what the client sent out of a problem. The client has it, and it may
// be as long as an address can be.
func withoutInput(_ huma.Context, _ string, body any) (any, error) {
	if problem, ok := body.(*huma.ErrorModel); ok {
		for _, detail := range problem.Errors {
			detail.Value = nil
		}
	}
	return body, nil
}

// retryAfter is when to ask again, in seconds, what could not be answered now.
const retryAfter = "10"

// unreached is an error of a store that could not be asked, for no fault of the request.
type unreached interface{ Unreached() }

// unreachable is what people read of it.
const unreachable = "The database cannot be reached. Try again later."

// later is a 503 that says when to ask again.
func later(message string) error {
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(message), http.Header{"Retry-After": {retryAfter}})
}

// problemOf maps an error to its status. What people may read is in an app.Error;
// everything else is logged here and shown as nothing but a 500.
func problemOf(ctx context.Context, err error) error {
	var known *app.Error
	var database unreached
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		zerolog.Ctx(ctx).Warn().Err(err).Msg("a request took too long")
		return later("This took too long. Try again later.")
	case errors.As(err, &known) && known.Code == app.CodeNotFound:
		return huma.Error404NotFound(nothing.Message)
	case errors.As(err, &known) && known.Code == app.CodeInvalid:
		return huma.Error422UnprocessableEntity(known.Message)
	case errors.As(err, &known) && known.Code == app.CodeUnavailable:
		zerolog.Ctx(ctx).Warn().Err(err).Msg("answering a request")
		return later(known.Message)
	case errors.Is(err, context.Canceled):
		return huma.NewError(499, "The client went away.")
	case errors.As(err, &database):
		zerolog.Ctx(ctx).Error().Err(err).Msg("answering a request")
		return later(unreachable)
	}
	zerolog.Ctx(ctx).Error().Err(err).Msg("answering a request")
	return huma.Error500InternalServerError("Something went wrong.")
}

// AccountPath is the community of a path.
type AccountPath struct {
	Account string `path:"account" maxLength:"100" doc:"Login of the organisation or user; case does not matter"`
}

// RFCPath is one RFC of a community.
type RFCPath struct {
	AccountPath
	Number int `path:"number" minimum:"1" doc:"The n of RFC-n"`
}

// Paging is where a list begins and how long it is.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"100" doc:"next of the page before"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
}

// page is one page of a list.
type page[T any] struct {
	Link string `header:"Link" doc:"The next page, when there is one"`
	Body struct {
		Items []T     `json:"items" nullable:"false"`
		Next  *string `json:"next" doc:"The cursor of the next page; null on the last"`
	}
}

// pageOf makes a page of items. next is the cursor of the page behind it, "" when
// this is the last; path and query name the list itself.
func pageOf[T any](s *server, items []T, next, path string, query url.Values) *page[T] {
	p := &page[T]{}
	p.Body.Items = items
	if items == nil {
		p.Body.Items = []T{}
	}
	if next == "" {
		return p
	}
	p.Body.Next = &next
	query.Set("cursor", next)
	p.Link = "<" + s.publicURL + path + "?" + query.Encode() + `>; rel="next"`
	return p
}

// view runs a look at the store and returns what it made.
func view[T any](ctx context.Context, s *server, look func(ctx context.Context, tx rfc.Tx) (T, error)) (T, error) {
	var result T
	err := s.store.View(ctx, func(ctx context.Context, tx rfc.Tx) error {
		var err error
		result, err = look(ctx, tx)
		return err
	})
	return result, err
}

// badCursor says that a cursor is none of ours.
func badCursor() error { return app.Errorf(app.CodeInvalid, "The cursor is not one of this list.") }
