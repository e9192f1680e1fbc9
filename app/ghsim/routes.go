package ghsim

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
)

// What tokens need, in the words of GitHub's App permissions.
const (
	byJWT       = "jwt"
	anyToken    = "any"
	readIssues  = "issues:read,pull_requests:read"
	writeIssues = "issues:write,pull_requests:write"
	readPulls   = "pull_requests:read"
	writePulls  = "pull_requests:write"
	readChecks  = "checks:read"
	writeChecks = "checks:write"
	readFiles   = "contents:read"
	writeFiles  = "contents:write"
	readMeta    = "metadata:read"
	readMembers = "members:read"
	byPeople    = "administration:write"
)

// operations are all operations served. {name} ends at a slash, {path...} does not,
// {number} and ids are digits.
func operations() []route {
	const repo = "/repos/{owner}/{repo}"
	get, post, patch, put, remove := http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete
	return []route{
		{get, "/rate_limit", (*call).rateLimit, anyToken},
		{get, "/app", (*call).getApp, byJWT},
		{get, "/app/installations", (*call).listInstallations, byJWT},
		{get, "/app/installations/{installation_id}", (*call).getInstallation, byJWT},
		{post, "/app/installations/{installation_id}/access_tokens", (*call).postAccessToken, byJWT},
		{get, "/app/hook/deliveries", (*call).listDeliveries, byJWT},
		{get, "/app/hook/deliveries/{delivery_id}", (*call).getDelivery, byJWT},
		{post, "/app/hook/deliveries/{delivery_id}/attempts", (*call).redeliver, byJWT},
		{get, "/orgs/{login}/installation", (*call).accountInstallation, byJWT},
		{get, "/users/{login}/installation", (*call).accountInstallation, byJWT},
		{get, repo + "/installation", (*call).repositoryInstallation, byJWT},
		{get, "/installation/repositories", (*call).listInstallationRepositories, readMeta},

		{get, "/user", (*call).getAuthenticatedUser, anyToken},
		{get, "/user/{id}", (*call).getUserByID, anyToken},
		{get, "/users/{login}", (*call).getUser, anyToken},
		{get, "/orgs/{org}", (*call).getOrganization, anyToken},
		{get, "/orgs/{org}/members", (*call).listMembers, readMembers},
		{get, "/orgs/{org}/memberships/{login}", (*call).getMembership, readMembers},
		{get, "/orgs/{org}/teams", (*call).listTeams, readMembers},
		{get, "/orgs/{org}/teams/{team}", (*call).getTeam, readMembers},
		{get, "/orgs/{org}/teams/{team}/members", (*call).listTeamMembers, readMembers},
		{get, "/orgs/{org}/teams/{team}/memberships/{login}", (*call).getTeamMembership, readMembers},
		{put, "/orgs/{org}/teams/{team}/memberships/{login}", (*call).putTeamMembership, byPeople},
		{remove, "/orgs/{org}/teams/{team}/memberships/{login}", (*call).deleteTeamMembership, byPeople},
		{put, "/orgs/{org}/blocks/{login}", (*call).putBlock, byPeople},
		{remove, "/orgs/{org}/blocks/{login}", (*call).deleteBlock, byPeople},

		{get, repo, (*call).getRepository, readMeta},
		{patch, repo, (*call).patchRepository, byPeople},
		{remove, repo, (*call).deleteRepository, byPeople},
		{get, repo + "/collaborators", (*call).listCollaborators, readMeta},
		{get, repo + "/collaborators/{login}/permission", (*call).getPermission, readMeta},
		{get, repo + "/collaborators/{login}", (*call).getCollaborator, readMeta},
		{put, repo + "/collaborators/{login}", (*call).putCollaborator, byPeople},
		{remove, repo + "/collaborators/{login}", (*call).deleteCollaborator, byPeople},

		{get, repo + "/contents", (*call).getContents, readFiles},
		{get, repo + "/contents/{path...}", (*call).getContents, readFiles},
		{put, repo + "/contents/{path...}", (*call).putContents, writeFiles},
		{remove, repo + "/contents/{path...}", (*call).deleteContents, writeFiles},
		{get, repo + "/branches", (*call).listBranches, readFiles},
		{get, repo + "/branches/{branch...}", (*call).getBranch, readFiles},
		{get, repo + "/git/ref/{ref...}", (*call).getRef, readFiles},
		{get, repo + "/compare/{base}...{head}", (*call).compare, readFiles},
		{get, repo + "/commits", (*call).listCommits, readFiles},
		{get, repo + "/commits/{ref...}/pulls", (*call).listCommitPulls, readPulls},
		{get, repo + "/commits/{ref...}/check-runs", (*call).listCheckRuns, readChecks},
		{get, repo + "/commits/{ref...}/check-suites", (*call).listCheckSuites, readChecks},
		{get, repo + "/commits/{ref...}", (*call).getCommit, readFiles},

		{post, repo + "/check-runs", (*call).postCheckRun, writeChecks},
		{get, repo + "/check-runs/{id}", (*call).getCheckRun, readChecks},
		{patch, repo + "/check-runs/{id}", (*call).patchCheckRun, writeChecks},
		{post, repo + "/check-runs/{id}/rerequest", (*call).rerequestCheckRun, writeChecks},

		{get, repo + "/labels", (*call).listLabels, readIssues},
		{post, repo + "/labels", (*call).postLabel, writeIssues},
		{get, repo + "/labels/{name...}", (*call).getLabel, readIssues},
		{patch, repo + "/labels/{name...}", (*call).patchLabel, writeIssues},
		{remove, repo + "/labels/{name...}", (*call).deleteLabel, writeIssues},

		{get, repo + "/issues", (*call).listIssues, readIssues},
		{post, repo + "/issues", (*call).postIssue, "issues:write"},
		{get, repo + "/issues/events", (*call).listRepositoryEvents, readIssues},
		{get, repo + "/issues/comments", (*call).listRepositoryComments, readIssues},
		{get, repo + "/issues/comments/{id}", (*call).getComment, readIssues},
		{patch, repo + "/issues/comments/{id}", (*call).patchComment, writeIssues},
		{remove, repo + "/issues/comments/{id}", (*call).deleteComment, writeIssues},
		{get, repo + "/issues/comments/{id}/reactions", (*call).listReactions, readIssues},
		{post, repo + "/issues/comments/{id}/reactions", (*call).postReaction, writeIssues},
		{remove, repo + "/issues/comments/{id}/reactions/{reaction}", (*call).deleteReaction, writeIssues},
		{get, repo + "/issues/{number}", (*call).getIssue, readIssues},
		{patch, repo + "/issues/{number}", (*call).patchIssue, writeIssues},
		{get, repo + "/issues/{number}/comments", (*call).listComments, readIssues},
		{post, repo + "/issues/{number}/comments", (*call).postComment, writeIssues},
		{get, repo + "/issues/{number}/events", (*call).listIssueEvents, readIssues},
		{get, repo + "/issues/{number}/reactions", (*call).listReactions, readIssues},
		{post, repo + "/issues/{number}/reactions", (*call).postReaction, writeIssues},
		{remove, repo + "/issues/{number}/reactions/{reaction}", (*call).deleteReaction, writeIssues},
		{get, repo + "/issues/{number}/labels", (*call).listIssueLabels, readIssues},
		{post, repo + "/issues/{number}/labels", (*call).addIssueLabels, writeIssues},
		{put, repo + "/issues/{number}/labels", (*call).setIssueLabels, writeIssues},
		{remove, repo + "/issues/{number}/labels", (*call).clearIssueLabels, writeIssues},
		{remove, repo + "/issues/{number}/labels/{name...}", (*call).deleteIssueLabel, writeIssues},
		{put, repo + "/issues/{number}/lock", (*call).lockIssue, writeIssues},
		{remove, repo + "/issues/{number}/lock", (*call).unlockIssue, writeIssues},

		{get, repo + "/pulls", (*call).listPulls, readPulls},
		{post, repo + "/pulls", (*call).postPull, writePulls},
		{get, repo + "/pulls/{number}", (*call).getPull, readPulls},
		{patch, repo + "/pulls/{number}", (*call).patchPull, writePulls},
		{put, repo + "/pulls/{number}/merge", (*call).mergePull, writeFiles},
		{get, repo + "/pulls/{number}/commits", (*call).listPullCommits, readPulls},
		{get, repo + "/pulls/{number}/files", (*call).listPullFiles, readPulls},
		{get, repo + "/pulls/{number}/reviews", (*call).listReviews, readPulls},
		{post, repo + "/pulls/{number}/reviews", (*call).postReview, writePulls},
		{get, repo + "/pulls/{number}/reviews/{review}", (*call).getReview, readPulls},
		{put, repo + "/pulls/{number}/reviews/{review}/dismissals", (*call).dismissReview, writePulls},

		{get, "/repositories/{id}", (*call).byID, anyToken},
		{get, "/repositories/{id}/{rest...}", (*call).byID, anyToken},
		{post, "/repositories/{id}/{rest...}", (*call).byID, anyToken},
		{put, "/repositories/{id}/{rest...}", (*call).byID, anyToken},
		{patch, "/repositories/{id}", (*call).byID, anyToken},
		{patch, "/repositories/{id}/{rest...}", (*call).byID, anyToken},
		{remove, "/repositories/{id}/{rest...}", (*call).byID, anyToken},
	}
}

// newRouter makes the router and the table of what it leads to.
func newRouter() (*mux.Router, map[string]route) {
	router := mux.NewRouter().SkipClean(true)
	table := map[string]route{}
	digits := strings.NewReplacer("{id}", "{id:[0-9]+}", "{number}", "{number:[0-9]+}", "{reaction}", "{reaction:[0-9]+}",
		"{review}", "{review:[0-9]+}", "{delivery_id}", "{delivery_id:[0-9]+}", "{installation_id}", "{installation_id:[0-9]+}",
		"{path...}", "{path:.*}", "{name...}", "{name:.+}", "{ref...}", "{ref:.+}", "{branch...}", "{branch:.+}", "{rest...}", "{rest:.+}",
		"{base}...{head}", "{base:[^/]+}...{head:[^/]+}")
	for n, r := range operations() {
		name := strconv.Itoa(n)
		table[name] = r
		router.Methods(r.method).Path(digits.Replace(r.pattern)).Name(name).Handler(http.NotFoundHandler())
	}
	return router, table
}

// again answers the request as if it had asked for another path.
func (c *call) again(path string) (reply, error) {
	inner := c.request.Clone(c.request.Context())
	inner.URL.Path, inner.URL.RawPath = path, ""
	var match mux.RouteMatch
	if !c.router.Match(inner, &match) || match.MatchErr != nil {
		return reply{}, errNotFound
	}
	c.path, c.route, c.vars = path, c.routes[match.Route.GetName()], match.Vars
	if err := c.authorize(); err != nil {
		return reply{}, err
	}
	return c.route.handle(c)
}
