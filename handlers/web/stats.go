package web

import (
	"context"
	"fmt"
	"math/big"

	communities "github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/community/engagement"
	"github.com/agora-rfc/agora/app/rfc"
)

type statsShape struct {
	Score         *int           `json:"score" minimum:"0" maximum:"100" doc:"Of engagement; null when there is not enough data"`
	Parts         []partShape    `json:"parts" nullable:"false"`
	Members       membersShape   `json:"members"`
	Contributions map[string]int `json:"contributions" doc:"Of the last 90 days, by kind"`
	RFCs          map[string]int `json:"rfcs" doc:"By state"`
	Cohorts       []cohortShape  `json:"cohorts" nullable:"false" doc:"By month of joining, oldest first"`
}

type partShape struct {
	Name        string  `json:"name" enum:"activation,retention,response,turnout,stickiness,diversity"`
	Value       *string `json:"value" example:"0.5000" doc:"Between 0 and 1, rounded down; null when there is not enough data"`
	Weight      string  `json:"weight" example:"0.25" doc:"In the score, when every part has enough data"`
	Numerator   int64   `json:"numerator"`
	Denominator int64   `json:"denominator"`
	Sample      int     `json:"sample" doc:"Of how many something is said: the denominator, but for turnout the rounds and for diversity the contributions"`
	Enough      bool    `json:"enough"`
}

type membersShape struct {
	Total  int `json:"total"`
	Active int `json:"active" doc:"Contributed in the last 30 days"`
	New    int `json:"new" doc:"Joined in the last 30 days"`
}

type cohortShape struct {
	Month  string    `json:"month" example:"2026-08"`
	Size   int       `json:"size" doc:"How many joined, also who left since"`
	Active []int     `json:"active" nullable:"false" doc:"How many of them contributed in the first, second and third month after, as far as these are over"`
	Shares *[]string `json:"shares" doc:"The same as shares, rounded down; null for fewer than 10"`
}

type statsOutput struct{ Body statsShape }

// getStats shows what everybody may know: private repositories count for nothing.
func (s *server) getStats(ctx context.Context, in *AccountPath) (*statsOutput, error) {
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*statsOutput, error) {
		account, err := community(ctx, tx, in.Account)
		if err != nil {
			return nil, err
		}
		stats, err := s.members.Stats(ctx, communities.Scope{Community: account.ID})
		if err != nil {
			return nil, err
		}
		return &statsOutput{Body: shapeStats(stats)}, nil
	})
}

func shapeStats(stats communities.Stats) statsShape {
	shape := statsShape{
		Score: stats.Report.Score, Members: membersShape{Total: stats.Members, Active: stats.Active, New: stats.New},
		Contributions: map[string]int{}, RFCs: map[string]int{}, Cohorts: []cohortShape{}, Parts: []partShape{},
	}
	for kind, n := range stats.Contributions {
		shape.Contributions[string(kind)] = n
	}
	for state, n := range stats.RFCs {
		shape.RFCs[state] = n
	}
	for _, p := range stats.Report.Parts {
		part := partShape{Name: p.Name, Weight: fmt.Sprintf("0.%02d", p.Weight), Numerator: p.Numerator, Denominator: p.Denominator, Sample: p.Sample, Enough: p.Enough()}
		if p.Enough() {
			value := decimal(p.Value)
			part.Value = &value
		}
		shape.Parts = append(shape.Parts, part)
	}
	for _, c := range stats.Cohorts {
		shape.Cohorts = append(shape.Cohorts, shapeCohort(c))
	}
	return shape
}

func shapeCohort(c engagement.Cohort) cohortShape {
	shape := cohortShape{Month: c.Month.Format("2006-01"), Size: c.Size, Active: append([]int{}, c.Active...)}
	if c.Shown() {
		shares := []string{}
		for month := range c.Active {
			shares = append(shares, decimal(c.Share(month)))
		}
		shape.Shares = &shares
	}
	return shape
}

// decimal is a share with four decimals, rounded down.
func decimal(share *big.Rat) string {
	scaled := new(big.Int).Quo(new(big.Int).Mul(share.Num(), big.NewInt(10_000)), share.Denom()).Int64()
	return fmt.Sprintf("%d.%04d", scaled/10_000, scaled%10_000)
}
