package ghsim

import (
	"errors"
	"fmt"
	"net/http"
)

// problem is an error as GitHub answers it.
type problem struct {
	status   int
	message  string
	errors   []object
	location string // of a redirect
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s", p.status, p.message) }

var (
	errNotFound     = &problem{status: http.StatusNotFound, message: "Not Found"}
	errGone         = &problem{status: http.StatusGone, message: "This issue was deleted"}
	errIntegration  = &problem{status: http.StatusForbidden, message: "Resource not accessible by integration"}
	errBadToken     = &problem{status: http.StatusUnauthorized, message: "Bad credentials"}
	errRequiresAuth = &problem{status: http.StatusUnauthorized, message: "Requires authentication"}
	errArchived     = &problem{status: http.StatusForbidden, message: "Repository was archived so is read-only."}
)

func forbidden(message string) error {
	return &problem{status: http.StatusForbidden, message: message}
}

// invalid is a 422 about one field.
func invalid(resource, field, code string) error {
	return &problem{status: http.StatusUnprocessableEntity, message: "Validation Failed",
		errors: []object{{"resource": resource, "field": field, "code": code}}}
}

// tooLong is a 422 for a text beyond GitHub's limit.
func tooLong(resource, field string, limit int) error {
	return &problem{status: http.StatusUnprocessableEntity, message: "Validation Failed",
		errors: []object{{"resource": resource, "field": field, "code": "custom",
			"message": fmt.Sprintf("%s is too long (maximum is %d characters)", field, limit)}}}
}

// unprocessable is a 422 whose errors are plain sentences.
func unprocessable(message string) error {
	return &problem{status: http.StatusUnprocessableEntity, message: message}
}

func problemReply(c *call, err error) reply {
	var p *problem
	if !errors.As(err, &p) {
		return reply{http.StatusInternalServerError, object{"message": "Server Error"}}
	}
	body := object{"message": p.message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(p.status)}
	if len(p.errors) > 0 {
		body["errors"] = p.errors
	}
	if p.location != "" {
		c.header.Set("Location", p.location)
		body["url"] = p.location
	}
	return reply{p.status, body}
}
