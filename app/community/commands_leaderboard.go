package community

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
)

// placesShown is how many places a reply shows.
const placesShown = 20

// leaderboard shows who earned most in a window.
func (c memberCommands) leaderboard(_ context.Context, call command.Call) (command.Apply, error) {
	days := cmp.Or(call.Command.Number(), LeaderboardDays)
	if days > LeaderboardMaxDays {
		return nil, command.Refuse(app.CodeInvalid, "a leaderboard counts the last 1 to %d days.", LeaderboardMaxDays)
	}
	return func(ctx context.Context) (string, error) {
		places, err := c.Leaderboard(ctx, Scope{Community: call.Repo.Owner.ID, Repository: call.Repo.ID}, ByPoints, days, placesShown, 0)
		if err != nil {
			return "", err
		}
		window := fmt.Sprintf("in the last %d days", days)
		if days == 1 {
			window = "today"
		}
		if len(places) == 0 {
			return fmt.Sprintf("Nobody earned points %s.", window), nil
		}
		var b strings.Builder
		fmt.Fprintf(&b, "**Who earned most %s** (UTC)\n\n| Rank | Member | Points | R |\n|--:|:--|--:|--:|\n", window)
		for _, p := range places {
			fmt.Fprintf(&b, "| %d | %s | %s | %d |\n", p.Rank, c.escape(p.Login, maxLogin), trimmed(p.Points), p.Reputation)
		}
		b.WriteString("\n*Points* are what counted after the daily caps, less penalties; they do not decay, and nobody earned genesis. R is the reputation today.")
		return b.String(), nil
	}, nil
}
