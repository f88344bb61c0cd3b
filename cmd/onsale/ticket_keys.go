package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
	"onsale/internal/ticket"
)

// checkTickets looks at the file of ticket keys, when there is one.
func (s *settings) checkTickets() error {
	if s.TicketKeyFile == "" {
		return nil
	}
	if _, err := ticket.ReadSecrets(s.TicketKeyFile); err != nil {
		return fmt.Errorf("--ticket-key-file: %w", err)
	}
	return nil
}

// openTickets returns what the node signs tickets with; nil when it has no key, which it says.
func (s *settings) openTickets(log *slog.Logger) (*ticket.Secrets, error) {
	if s.TicketKeyFile == "" {
		log.Warn("tickets are not signed: paid orders show their tickets' numbers and no codes; " +
			"make a key with `onsale ticket key FILE` and give it to every node (--ticket-key-file)")
		return nil, nil
	}
	keys, err := ticket.ReadSecrets(s.TicketKeyFile)
	if err != nil {
		return nil, errors.Join(errUsage, fmt.Errorf("--ticket-key-file: %w", err))
	}
	return keys, nil
}

// ticketMetrics are what is counted of tickets.
func (v *server) ticketMetrics() prometheus.Collector {
	set := new(metric.Set)
	v.tickets.AddMetrics(set)
	return set
}
