package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api"
)

// monitoringTimeout bounds a request for metrics or checks, and how long one under way may delay the end.
const monitoringTimeout = 10 * time.Second

// monitor serves /livez, /readyz and /metrics at an address, none for "", until close is called.
func monitor(address string, checks func() []api.Check, collectors ...prometheus.Collector) (close func(), at string, err error) {
	if address == "" {
		return func() {}, "", nil
	}
	registry := newRegistry(nil, nil)
	registry.MustRegister(collectors...)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("--private: %w", err)
	}
	server := &http.Server{Handler: api.Monitoring(checks, registry), ReadTimeout: monitoringTimeout, WriteTimeout: monitoringTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return func() {
		_ = server.Close() // who scrapes asks again
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			slog.Warn("the monitoring listener ended by itself", "error", err)
		}
	}, listener.Addr().String(), nil
}
