package render

import (
	"onsale/bench/result"
)

// sections are the charts, by what they are about.
func sections(d *result.Document) []section {
	var list []section
	add := func(id, title, text string, curves []result.Curve) {
		s := section{ID: id, Title: title, Text: text}
		for _, c := range curves {
			s.Charts = append(s.Charts, chart{Curve: c})
		}
		if len(s.Charts) > 0 {
			list = append(list, s)
		}
	}
	titles := map[string][2]string{
		"log":     {"The log beside others", "T3: the same entries to each store in turn."},
		"latency": {"Latency at fixed rates", "T5: requests arrive at times that were fixed before; latency runs from the intended arrival."},
		"growth":  {"Growth", "What a decision costs, and what is kept in memory, as a sale grows."},
	}
	for _, id := range []string{"latency", "sale", "growth", "log"} {
		s, found := d.Step(id)
		switch {
		case !found:
		case id == "sale":
			add(id, "The whole sale", "T8: one part of the buyers after the other, over HTTP, three nodes.", partCurves(s.Parts))
		default:
			add(id, titles[id][0], titles[id][1], s.Curves)
		}
	}
	return list
}

// partCurves draws a sale part by part.
func partCurves(parts []result.Part) []result.Curve {
	if len(parts) == 0 {
		return nil
	}
	x := result.Axis{Label: "buyers who were answered"}
	rate := result.Curve{Name: "Throughput, part by part", X: x, Y: result.Axis{Label: "requests", Unit: "1/s"}, Series: []result.Series{{Name: "requests a second"}}}
	memory := result.Curve{Name: "The leader's memory", X: x, Y: result.Axis{Label: "resident", Unit: "MiB"}, Series: []result.Series{{Name: "leader"}}}
	var done uint64
	for _, p := range parts {
		done += p.Requests
		rate.Series[0].Points = append(rate.Series[0].Points, result.Point{X: float64(done), Y: p.Rate})
		memory.Series[0].Points = append(memory.Series[0].Points, result.Point{X: float64(done), Y: float64(p.LeaderMemoryBytes) / (1 << 20)})
	}
	return []result.Curve{rate, memory}
}

// peerRow is one of those who answer the same buy; bars are parts of the fastest.
type peerRow struct {
	result.Peer
	SellingPart, SoldOutPart float64
	Wrong                    int // rounds in which it broke a promise
	Ours                     bool
}

func peerRows(d *result.Document) []peerRow {
	var rows []peerRow
	most := 0.0
	for i := range d.Steps {
		for _, p := range d.Steps[i].Peers {
			rows = append(rows, peerRow{Peer: p, Ours: p.Name == "onsale" || p.Nodes > 1})
			most = max(most, p.Selling.Rate, p.SoldOut.Rate)
		}
	}
	for i := range rows {
		r := &rows[i]
		r.SellingPart, r.SoldOutPart = r.Selling.Rate/max(1, most), r.SoldOut.Rate/max(1, most)
		for _, round := range r.Rounds {
			if round.Wrong != "" {
				r.Wrong++
			}
		}
	}
	return rows
}

// rawRow is a figure with everything that was measured of it.
type rawRow struct {
	ID, Unit string
	Rounds   []string
}

func rawRows(d *result.Document) []rawRow {
	var rows []rawRow
	for _, target := range result.Targets {
		for _, definition := range result.DefinitionsOf(target.ID) {
			f, found := d.Find(definition.ID)
			if !found || len(f.Rounds) == 0 {
				continue
			}
			r := rawRow{ID: f.ID, Unit: definition.Unit}
			for _, round := range f.Rounds {
				one := result.Figure{ID: f.ID, Measured: round.Measured}
				if round.Ratio != 0 {
					one.Compared, one.Ratio = &round.Compared, &round.Ratio
				}
				text := one.MeasuredText()
				if one.Ratio != nil {
					text += " = " + one.RatioText()
				}
				r.Rounds = append(r.Rounds, text)
			}
			rows = append(rows, r)
		}
	}
	return rows
}
