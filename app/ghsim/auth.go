package ghsim

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/agora-rfc/agora/app"
)

// tokenLife is how long an installation token works, by the real clock.
const tokenLife = time.Hour

// token is an installation's or a user's access token.
type token struct {
	user         *account // of a user's token
	installation *installation
	expires      time.Time
	repositories []int64 // nil means all of the installation's
	permissions  map[string]string
}

// credential is who a request comes from. At most one of its parts is set.
type credential struct {
	app   *application // by its JWT
	token *token
	err   error // the credential is no good
}

// byApp reports whether the App or one of its installations calls.
func (a credential) byApp() bool {
	return a.app != nil || a.token != nil && a.token.installation != nil
}

// account is the user in whose name the caller acts; nil for a JWT or nobody.
func (a credential) account() *account {
	switch {
	case a.token == nil:
		return nil
	case a.token.installation != nil:
		return a.token.installation.app.bot
	}
	return a.token.user
}

// application is the App through which the caller acts, nil for people.
func (a credential) application() *application {
	switch {
	case a.app != nil:
		return a.app
	case a.token != nil && a.token.installation != nil:
		return a.token.installation.app
	}
	return nil
}

// authenticate tells who an Authorization header stands for.
func (s *Server) authenticate(header string) credential {
	if header == "" {
		return credential{}
	}
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return credential{err: errBadToken}
	}
	if strings.HasPrefix(secret, "ey") && strings.Count(secret, ".") == 2 {
		return s.authenticateJWT(secret)
	}
	t := s.tokens[secret]
	if t == nil || !t.expires.IsZero() && !time.Now().Before(t.expires) {
		return credential{err: errBadToken}
	}
	if t.user != nil && t.user.deleted || t.installation != nil && t.installation.deleted {
		return credential{err: errBadToken}
	}
	return credential{token: t}
}

// authenticateJWT verifies an App's own token: RS256, issued by the App, not
// expired, and valid for ten minutes at most.
func (s *Server) authenticateJWT(secret string) credential {
	var a *application
	claims := jwt.RegisteredClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"})).ParseWithClaims(secret, &claims, func(*jwt.Token) (any, error) {
		id, err := strconv.ParseInt(claims.Issuer, 10, 64)
		for _, candidate := range s.apps {
			if err == nil && candidate.id == id || claims.Issuer == candidate.clientID {
				a = candidate
				return &candidate.key.PublicKey, nil
			}
		}
		return nil, errBadToken
	})
	switch {
	case err != nil:
		return credential{err: &problem{status: http.StatusUnauthorized, message: "A JSON web token could not be decoded"}}
	case claims.ExpiresAt == nil || time.Until(claims.ExpiresAt.Time) > 10*time.Minute+5*time.Second:
		return credential{err: &problem{status: http.StatusUnauthorized, message: "'Expiration time' claim ('exp') is too far in the future"}}
	case claims.IssuedAt == nil:
		return credential{err: &problem{status: http.StatusUnauthorized, message: "Missing 'issued at' claim ('iat') in assertion"}}
	}
	return credential{app: a}
}

// authorize checks that the kind of credential and the App's permissions allow
// the operation; what a person may do in a repository, its handler checks.
func (c *call) authorize() error {
	switch {
	case c.route.access == "jwt":
		if c.auth.app == nil {
			return &problem{status: http.StatusUnauthorized, message: "A JSON web token could not be decoded"}
		}
		return nil
	case c.auth.app != nil:
		return errIntegration
	case c.auth.token == nil:
		if c.request.Method != http.MethodGet {
			return errRequiresAuth
		}
		return nil
	case c.auth.token.installation == nil:
		return nil
	case c.auth.token.installation.suspended:
		return forbidden("This installation has been suspended")
	case c.route.access == "any":
		return nil
	}
	for _, need := range strings.Split(c.route.access, ",") {
		name, level, _ := strings.Cut(need, ":")
		have := c.auth.token.permissions[name]
		if have == "write" || have == "admin" || have == "read" && level == "read" {
			return nil
		}
	}
	return errIntegration
}

// newToken issues a token with GitHub's prefix for its kind.
func (s *Server) newToken(prefix string, t *token) string {
	var random [20]byte
	_, _ = rand.Read(random[:])
	secret := prefix + hex.EncodeToString(random[:])
	s.tokens[secret] = t
	return secret
}

// userToken is a person's token, made on first use.
func (s *Server) userToken(u *account) string {
	if s.userTokens[u.id] == "" {
		s.userTokens[u.id] = s.newToken("gho_", &token{user: u})
	}
	return s.userTokens[u.id]
}

// ExpireTokens makes every installation token given out so far worthless.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for secret, t := range s.tokens {
		if t.installation != nil {
			delete(s.tokens, secret)
		}
	}
}

// reaches reports whether the installation token covers the repository.
func (t *token) reaches(r *repository) bool {
	return t.installation.covers(r) && (t.repositories == nil || slices.Contains(t.repositories, r.id))
}

// repository finds {owner}/{repo} of the path as far as the caller may see it:
// old names redirect, hidden repositories are not there at all.
func (c *call) repository() (*repository, error) {
	name := c.vars["owner"] + "/" + c.vars["repo"]
	r, moved := c.find(name)
	if r == nil || !c.maySee(r) {
		return nil, errNotFound
	}
	if moved {
		rest := strings.TrimPrefix(c.path, "/repos/"+name)
		status := http.StatusMovedPermanently
		if c.request.Method != http.MethodGet && c.request.Method != http.MethodHead {
			status = http.StatusTemporaryRedirect
		}
		return nil, &problem{status: status, message: "Moved Permanently", location: c.locate("/repos/" + r.fullName() + rest)}
	}
	return r, c.writable(r)
}

// locate makes a redirect's target, keeping the query. GitHub redirects to
// /repositories/{id}/…, which its own description does not know; the present
// name leads to the same place.
func (c *call) locate(path string) string {
	if q := c.request.URL.RawQuery; q != "" {
		path += "?" + q
	}
	return c.api + path
}

// writable refuses changes to archived repositories, and the App's in
// repositories it was not given.
func (c *call) writable(r *repository) error {
	if c.request.Method == http.MethodGet {
		return nil
	}
	if t := c.auth.token; t != nil && t.installation != nil && !t.reaches(r) {
		return errIntegration
	}
	if r.archived && !(c.request.Method == http.MethodPatch && c.route.pattern == "/repos/{owner}/{repo}") {
		return errArchived
	}
	return nil
}

func (c *call) maySee(r *repository) bool {
	if !r.private {
		return true
	}
	switch t := c.auth.token; {
	case t == nil:
		return false
	case t.installation != nil:
		return t.reaches(r)
	default:
		return c.permission(r, t.user) >= app.PermissionRead
	}
}

// require refuses a person who has less than the permission. An App's rights
// were checked with its token.
func (c *call) require(r *repository, least app.Permission) error {
	if c.auth.byApp() {
		return nil
	}
	if c.permission(r, c.auth.account()) < least {
		return forbidden("Must have " + least.String() + " rights to Repository.")
	}
	return nil
}

// appKey is the RSA key of all Apps of the process: making one takes longer than
// most tests. It is short because it guards nothing, and signing with a long one
// takes a tenth of what a story costs.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // of a stand-in for GitHub
	if err != nil {
		panic("ghsim: making an App's key: " + err.Error())
	}
	return key
})
