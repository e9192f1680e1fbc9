package ghsim_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app/ghsim"
)

func TestOnlyAGoodJWTSpeaksForTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own, err := jwt.ParseRSAPrivateKeyFromPEM(w.app.PrivateKey)
	check(t, err)
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	now := time.Now()
	claims := func(issued, expires time.Time) jwt.RegisteredClaims {
		return jwt.RegisteredClaims{Issuer: w.app.ClientID, IssuedAt: jwt.NewNumericDate(issued), ExpiresAt: jwt.NewNumericDate(expires)}
	}
	for name, c := range map[string]struct {
		method jwt.SigningMethod
		claims jwt.RegisteredClaims
		key    any
		want   int
	}{
		"good":            {jwt.SigningMethodRS256, claims(now.Add(-time.Minute), now.Add(5*time.Minute)), own, http.StatusOK},
		"foreign key":     {jwt.SigningMethodRS256, claims(now, now.Add(time.Minute)), foreign, http.StatusUnauthorized},
		"expired":         {jwt.SigningMethodRS256, claims(now.Add(-time.Hour), now.Add(-time.Minute)), own, http.StatusUnauthorized},
		"valid too long":  {jwt.SigningMethodRS256, claims(now, now.Add(time.Hour)), own, http.StatusUnauthorized},
		"other algorithm": {jwt.SigningMethodHS256, claims(now, now.Add(time.Minute)), []byte("secret"), http.StatusUnauthorized},
		"no issue time":   {jwt.SigningMethodRS256, jwt.RegisteredClaims{Issuer: w.app.ClientID, ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute))}, own, http.StatusUnauthorized},
		"unknown issuer":  {jwt.SigningMethodRS256, jwt.RegisteredClaims{Issuer: "1", IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute))}, own, http.StatusUnauthorized},
	} {
		token, err := jwt.NewWithClaims(c.method, c.claims).SignedString(c.key)
		check(t, err)
		if got, _, body := w.raw(t, "GET", "app", "", map[string]string{"Authorization": "Bearer " + token}); got != c.want {
			t.Errorf("%s: got %d, want %d: %s", name, got, c.want, body)
		}
	}
}

// token gives an installation token made with the options.
func (w *world) token(t *testing.T, o *github.InstallationTokenOptions) string {
	t.Helper()
	it, _, err := w.owner.Apps.CreateInstallationToken(context.Background(), w.installation, o)
	check(t, err)
	return it.GetToken()
}

func TestAnInstallationTokenReachesOnlyWhatItWasGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddRepository(ghsim.NewRepository{Owner: "maya", Name: "diary", Private: true})
	w.AddRepository(ghsim.NewRepository{Owner: "maya", Name: "open"})
	whole := w.token(t, nil)
	narrow := w.token(t, &github.InstallationTokenOptions{Repositories: []string{"widgets"}, Permissions: &github.InstallationPermissions{Metadata: github.String("read"), Issues: github.String("read")}})
	for _, c := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"covered private repository", "GET", "repos/acme/secret", whole, 200},
		{"private repository left out of the token", "GET", "repos/acme/secret", narrow, 404},
		{"private repository of another account", "GET", "repos/maya/diary", whole, 404},
		{"public repository of another account", "GET", "repos/maya/open", whole, 200},
		{"writing there", "POST", "repos/maya/open/labels", whole, 403},
		{"reading issues with issues:read", "GET", "repos/acme/widgets/issues", narrow, 200},
		{"writing labels with issues:read", "POST", "repos/acme/widgets/labels", narrow, 403},
		{"files without contents", "GET", "repos/acme/widgets/contents/README.md", narrow, 403},
		{"what only people may do", "PATCH", "repos/acme/widgets", whole, 403},
		{"nobody reads what is public", "GET", "repos/acme/widgets", "", 200},
		{"nobody does not see what is private", "GET", "repos/acme/secret", "", 404},
		{"nobody writes", "POST", "repos/acme/widgets/issues", "", 401},
		{"an invented token", "GET", "repos/acme/widgets", "ghs_invented", 401},
		{"the App itself wants its JWT", "GET", "app", whole, 401},
		{"an unknown path", "GET", "nothing/here", whole, 404},
	} {
		if got, _, body := w.raw(t, c.method, c.path, c.token, nil); got != c.want {
			t.Errorf("%s: got %d, want %d: %s", c.name, got, c.want, body)
		}
	}
}

func TestExpiredTokensAndSuspendedInstallationsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	_, _, err := w.client.Repositories.Get(ctx, "acme", "widgets")
	check(t, err)
	w.ExpireTokens()
	if _, res, err := w.client.Repositories.Get(ctx, "acme", "widgets"); status(res) != 401 {
		t.Errorf("with an expired token: %v", err)
	}
	fresh, _ := w.clients(t, w.APIURL())
	_, _, err = fresh.Repositories.Get(ctx, "acme", "widgets")
	check(t, err)
	w.SuspendInstallation(w.installation, true)
	if _, res, err := fresh.Repositories.Get(ctx, "acme", "widgets"); status(res) != 403 {
		t.Errorf("suspended: %v", err)
	}
	if _, res, err := w.owner.Apps.CreateInstallationToken(ctx, w.installation, nil); status(res) != 403 {
		t.Errorf("a token for a suspended installation: %v", err)
	}
	w.SuspendInstallation(w.installation, false)
	_, _, err = fresh.Repositories.Get(ctx, "acme", "widgets")
	check(t, err)
	w.Uninstall(w.installation)
	if _, res, err := fresh.Repositories.Get(ctx, "acme", "widgets"); status(res) != 401 {
		t.Errorf("uninstalled: %v", err)
	}
	if _, res, _ := w.owner.Apps.GetInstallation(ctx, w.installation); status(res) != 404 {
		t.Error("the installation is still there")
	}
}

func TestAFrequentCallerRunsIntoTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ghsim.Options{RateLimit: 3})
	token := w.token(t, nil)
	var header http.Header
	for range 3 {
		var code int
		if code, header, _ = w.raw(t, "GET", "repos/acme/widgets", token, nil); code != 200 {
			t.Fatalf("got %d before the limit", code)
		}
	}
	if header.Get("X-RateLimit-Remaining") != "0" || header.Get("X-RateLimit-Limit") != "3" {
		t.Errorf("headers: %v", header)
	}
	if code, _, _ := w.raw(t, "GET", "repos/acme/widgets", token, nil); code != 403 {
		t.Errorf("beyond the limit: %d", code)
	}
	w.clock.Add(time.Hour)
	if code, _, _ := w.raw(t, "GET", "repos/acme/widgets", token, nil); code != 200 {
		t.Errorf("an hour later: %d", code)
	}
}

func TestWritingTooFastMeetsTheSecondaryLimit(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, ghsim.Options{SecondaryLimits: true})
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Busy", ""))
	for n := range 81 {
		_, res, err := w.client.Issues.CreateComment(ctx, "acme", "widgets", i.Number, &github.IssueComment{Body: github.String("x")})
		if n < 80 {
			check(t, err)
		} else if status(res) != 403 || res.Header.Get("Retry-After") != "60" {
			t.Errorf("the 81st write within a minute: %v", err)
		}
	}
}

func TestAnUnchangedAnswerIs304AndFreeForTheSameToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.token(t, nil), w.token(t, nil)
	_, header, _ := w.raw(t, "GET", "repos/acme/widgets", one, nil)
	tag, used := header.Get("ETag"), header.Get("X-RateLimit-Used")
	code, header, body := w.raw(t, "GET", "repos/acme/widgets", one, map[string]string{"If-None-Match": tag})
	if code != 304 || body != "" || header.Get("X-RateLimit-Used") != used {
		t.Errorf("same token: %d, used %s of %s", code, header.Get("X-RateLimit-Used"), used)
	}
	if code, _, _ := w.raw(t, "GET", "repos/acme/widgets", two, map[string]string{"If-None-Match": tag}); code != 200 {
		t.Errorf("another token: %d", code)
	}
	if w.NotModified() != 1 {
		t.Errorf("counted %d answers 304", w.NotModified())
	}
}
