package ghsim

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// application is a GitHub App.
type application struct {
	id          int64
	slug        string
	name        string
	clientID    string
	owner       *account
	bot         *account
	key         *rsa.PrivateKey
	secret      string
	permissions map[string]string
	events      []string
	created     time.Time
}

// privateKey is the key as the App's owner downloads it.
func (a *application) privateKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(a.key)})
}

// installation is an App on an account.
type installation struct {
	id           int64
	app          *application
	account      *account
	all          bool
	repositories map[int64]bool // when not all
	suspended    bool
	suspendedAt  time.Time
	suspendedBy  *account
	deleted      bool
	created      time.Time
	updated      time.Time
}

func (n *installation) selection() string {
	if n.all {
		return "all"
	}
	return "selected"
}

func (n *installation) covers(r *repository) bool {
	return !n.deleted && r.owner == n.account && (n.all || n.repositories[r.id])
}

// via shows through which App something was written, null for people. There
// GitHub's description knows no merge groups.
func (v view) via(a *application) any {
	if a == nil {
		return nil
	}
	events := slices.DeleteFunc(slices.Clone(a.events), func(e string) bool { return e == "merge_group" })
	return with(v.application(a), object{"events": events})
}

func (v view) application(a *application) object {
	return object{
		"id": a.id, "slug": a.slug, "node_id": nodeID("App", a.id), "client_id": a.clientID, "owner": v.simpleUser(a.owner),
		"name": a.name, "description": "", "external_url": v.web, "html_url": v.web + "/apps/" + a.slug,
		"created_at": stamp(a.created), "updated_at": stamp(a.created), "permissions": a.permissions, "events": a.events,
	}
}

func (v view) installation(n *installation) object {
	url := v.api + "/app/installations/" + itoa(n.id)
	html := v.web + "/settings/installations/" + itoa(n.id)
	if n.account.kind == kindOrganization {
		html = v.web + "/organizations/" + n.account.login + "/settings/installations/" + itoa(n.id)
	}
	return object{
		"id": n.id, "client_id": n.app.clientID, "account": v.simpleUser(n.account), "repository_selection": n.selection(),
		"access_tokens_url": url + "/access_tokens", "repositories_url": v.api + "/installation/repositories", "html_url": html,
		"app_id": n.app.id, "app_slug": n.app.slug, "target_id": n.account.id, "target_type": n.account.kind,
		"permissions": n.app.permissions, "events": n.app.events, "created_at": stamp(n.created), "updated_at": stamp(n.updated),
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
		"suspended_by": v.user(n.suspendedBy), "suspended_at": stamp(n.suspendedAt),
	}
}

func (c *call) getApp() (reply, error) {
	return ok(with(c.application(c.auth.app), object{"installations_count": len(c.installed(c.auth.app))}))
}

// installed lists where the App is installed.
func (s *Server) installed(a *application) []*installation {
	var out []*installation
	for _, n := range s.installations {
		if n.app == a && !n.deleted {
			out = append(out, n)
		}
	}
	return out
}

func (c *call) listInstallations() (reply, error) {
	return ok(render(page(c, c.installed(c.auth.app)), c.listedInstallation))
}

// listedInstallation has an account with what users and enterprises have in
// common and apart: GitHub's description of this one list demands both.
func (v view) listedInstallation(n *installation) object {
	account := with(v.simpleUser(n.account), object{"name": cmp.Or(n.account.name, n.account.login), "slug": n.account.login,
		"created_at": stamp(n.account.created), "updated_at": stamp(n.account.created)})
	return with(v.installation(n), object{"account": account})
}

// installation finds {installation_id} of the path among the App's own.
func (c *call) installation() (*installation, error) {
	id := c.number("installation_id")
	for _, n := range c.installed(c.auth.app) {
		if n.id == id {
			return n, nil
		}
	}
	return nil, errNotFound
}

func (c *call) getInstallation() (reply, error) {
	n, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	return ok(c.view.installation(n))
}

// accountInstallation finds the installation on an account.
func (c *call) accountInstallation() (reply, error) {
	for _, n := range c.installed(c.auth.app) {
		if n.account == c.accountNamed(c.vars["login"]) {
			return ok(c.view.installation(n))
		}
	}
	return reply{}, errNotFound
}

func (c *call) repositoryInstallation() (reply, error) {
	r, moved := c.find(c.vars["owner"] + "/" + c.vars["repo"])
	if r == nil {
		return reply{}, errNotFound
	}
	for _, n := range c.installed(c.auth.app) {
		if n.covers(r) {
			if moved {
				return reply{}, &problem{status: http.StatusMovedPermanently, message: "Moved Permanently",
					location: c.locate("/repos/" + r.fullName() + "/installation")}
			}
			return ok(c.view.installation(n))
		}
	}
	return reply{}, errNotFound
}

// postAccessToken gives out an installation token, for fewer repositories and
// permissions when asked.
func (c *call) postAccessToken() (reply, error) {
	n, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if n.suspended {
		return reply{}, forbidden("This installation has been suspended")
	}
	var in struct {
		Repositories  []string
		RepositoryIDs []int64 `json:"repository_ids"`
		Permissions   map[string]string
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t := &token{installation: n, expires: time.Now().Add(tokenLife), permissions: maps.Clone(n.app.permissions)}
	if len(in.Permissions) > 0 {
		for name, level := range in.Permissions {
			if have := n.app.permissions[name]; have == "" || level == "write" && have == "read" {
				return reply{}, unprocessable("The permissions requested are not granted to this installation.")
			}
		}
		t.permissions = in.Permissions
	}
	for _, name := range in.Repositories {
		r, _ := c.find(n.account.login + "/" + name)
		if r == nil {
			return reply{}, unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
		in.RepositoryIDs = append(in.RepositoryIDs, r.id)
	}
	for _, id := range in.RepositoryIDs {
		if r := c.repositories[id]; r == nil || !n.covers(r) {
			return reply{}, unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
		t.repositories = append(t.repositories, id)
	}
	body := object{"token": c.newToken("ghs_", t), "expires_at": stamp(t.expires), "permissions": t.permissions, "repository_selection": n.selection()}
	if t.repositories != nil {
		list := []object{}
		for _, id := range t.repositories {
			list = append(list, c.view.repository(c.repositories[id]))
		}
		body["repositories"] = list
		body["repository_selection"] = "selected"
	}
	return created(body)
}

// keepDeliveries is for how long GitHub remembers webhook deliveries.
const keepDeliveries = 3 * 24 * time.Hour

func (c *call) listDeliveries() (reply, error) {
	size, err := strconv.Atoi(c.query("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	oldest := c.options.Clock().Add(-keepDeliveries)
	all := slices.DeleteFunc(c.sender.log(c.auth.app), func(d Delivery) bool { return d.DeliveredAt.Before(oldest) })
	if cursor := c.query("cursor"); cursor != "" {
		from, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return reply{}, unprocessable("Invalid cursor")
		}
		all = slices.DeleteFunc(all, func(d Delivery) bool { return d.ID > from })
	}
	if len(all) > size {
		q := c.request.URL.Query()
		q.Set("cursor", itoa(all[size].ID))
		c.header.Set("Link", "<"+c.api+c.path+"?"+q.Encode()+`>; rel="next"`)
		all = all[:size]
	}
	return ok(render(all, deliveryItem))
}

func (c *call) getDelivery() (reply, error) {
	d, found := c.sender.find(c.auth.app, c.number("delivery_id"))
	if !found {
		return reply{}, errNotFound
	}
	return ok(deliveryWhole(d))
}

func (c *call) redeliver() (reply, error) {
	if !c.sender.redeliver(c.auth.app, c.number("delivery_id")) {
		return reply{}, errNotFound
	}
	return reply{http.StatusAccepted, object{}}, nil
}
