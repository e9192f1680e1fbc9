package web_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/web"
)

// issuer is an OpenID Connect issuer with one key.
type issuer struct {
	*httptest.Server
	key   *rsa.PrivateKey
	asked atomic.Int64
	down  atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	answer := func(document func() any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			i.asked.Add(1)
			if i.down.Load() {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(document())
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", answer(func() any {
		return map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}}
	}))
	mux.HandleFunc("/keys", answer(func() any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}}}
	}))
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// rotate gives the issuer another key.
func (i *issuer) rotate(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.key = key
}

// token signs the claims of a workflow, changed by some.
func (i *issuer) token(t *testing.T, key *rsa.PrivateKey, changed map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": i.URL, "aud": publicURL, "sub": "repo:acme/vault:ref:refs/heads/main", "repository": "acme/vault", "repository_id": "10",
		"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, changed)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenOfAWorkflowProvesItsRepository(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := web.NewActionsProver(i.URL, publicURL, func() time.Time { return now })
	if id, err := p.Proves(t.Context(), i.token(t, i.key, nil)); err != nil || id != 10 {
		t.Errorf("repository %d, %v", id, err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"another audience":       i.token(t, i.key, map[string]any{"aud": "https://elsewhere.example"}),
		"another issuer":         i.token(t, i.key, map[string]any{"iss": "https://elsewhere.example"}),
		"expired":                i.token(t, i.key, map[string]any{"exp": now.Add(-time.Second).Unix()}),
		"another key":            i.token(t, other, nil),
		"no repository":          i.token(t, i.key, map[string]any{"repository_id": ""}),
		"a repository of zero":   i.token(t, i.key, map[string]any{"repository_id": "0"}),
		"no token":               "nonsense",
		"no signature":           "eyJhbGciOiJub25lIn0.eyJyZXBvc2l0b3J5X2lkIjoiMTAifQ.",
		"a very long non-token":  string(make([]byte, 1<<20)),
		"a repository as number": i.token(t, i.key, map[string]any{"repository_id": 10}),
	} {
		if id, err := p.Proves(t.Context(), token); id != 0 || !app.Is(err, app.CodeForbidden) {
			t.Errorf("%s: repository %d, %v", name, id, err)
		}
	}
}

func TestForeignTokensDoNotFloodTheIssuer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := web.NewActionsProver(i.URL, publicURL, func() time.Time { return now })
	if _, err := p.Proves(t.Context(), i.token(t, i.key, nil)); err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forged := i.token(t, other, nil)
	for range 100 {
		if _, err := p.Proves(t.Context(), forged); err == nil {
			t.Fatal("a forged token proves something")
		}
	}
	if asked := i.asked.Load(); asked > 6 {
		t.Errorf("the issuer was asked %d times", asked)
	}
	if _, err := p.Proves(t.Context(), i.token(t, i.key, nil)); err != nil {
		t.Errorf("a good token suffers from the others: %v", err)
	}
}

func TestIssuerThatIsDownIsNotARefusal(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.down.Store(true)
	p := web.NewActionsProver(i.URL, publicURL, func() time.Time { return now })
	if _, err := p.Proves(t.Context(), i.token(t, i.key, nil)); !app.Is(err, app.CodeUnavailable) {
		t.Errorf("got %v", err)
	}
	i.down.Store(false)
	if _, err := p.Proves(t.Context(), i.token(t, i.key, nil)); err != nil {
		t.Errorf("it stays refused: %v", err)
	}
}

func TestKeysThatCannotBeReadAreNotARefusal(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := web.NewActionsProver(i.URL, publicURL, func() time.Time { return now })
	if _, err := p.Proves(t.Context(), "nonsense"); !app.Is(err, app.CodeForbidden) { // the issuer's description is read
		t.Errorf("what is no token: %v", err)
	}
	i.down.Store(true)
	if id, err := p.Proves(t.Context(), i.token(t, i.key, nil)); id != 0 || !app.Is(err, app.CodeUnavailable) {
		t.Errorf("while the keys cannot be read: repository %d, %v", id, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if id, err := p.Proves(gone, i.token(t, i.key, nil)); id != 0 || !app.Is(err, app.CodeUnavailable) {
		t.Errorf("while nobody waits for the keys: repository %d, %v", id, err)
	}
	i.down.Store(false)
	if id, err := p.Proves(t.Context(), i.token(t, i.key, nil)); id != 10 || err != nil {
		t.Errorf("repository %d, %v", id, err)
	}
	i.down.Store(true)
	if id, err := p.Proves(t.Context(), i.token(t, i.key, map[string]any{"aud": "https://elsewhere.example"})); id != 0 || !app.Is(err, app.CodeForbidden) {
		t.Errorf("a token for somebody else, when the keys are known: repository %d, %v", id, err)
	}
}

// The issuer changes its key while somebody has used up what may be asked of it.
func TestAGoodTokenOfANewKeyIsNotRefusedForOthersForgeries(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	p := web.NewActionsProver(i.URL, publicURL, func() time.Time { return now })
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if id, err := p.Proves(t.Context(), i.token(t, other, nil)); id != 0 || err == nil {
			t.Fatalf("a forged token proves repository %d, %v", id, err)
		}
	}
	good := i.token(t, i.key, nil)
	i.rotate(t)
	if id, err := p.Proves(t.Context(), i.token(t, i.key, nil)); id != 0 || !app.Is(err, app.CodeUnavailable) {
		t.Errorf("by the new key: repository %d, %v, want to be asked again later", id, err)
	}
	if id, err := p.Proves(t.Context(), good); id != 10 || err != nil {
		t.Errorf("by the key that is known: repository %d, %v", id, err)
	}
}
