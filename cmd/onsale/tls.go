package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onsale/cluster/certificate"
)

func newTLS(p *program) *cobra.Command {
	return group("tls", "Make the certificates with which a cluster's processes know each other", newAuthority(p), newCertificate(p), newShowCertificate(p))
}

func newAuthority(p *program) *cobra.Command {
	var dir, name string
	var lifetime time.Duration
	c := &cobra.Command{Use: "ca", Short: "Make a cluster's authority", Args: arguments(cobra.NoArgs),
		Example: "  onsale tls ca --dir tls",
		RunE: func(*cobra.Command, []string) error {
			if lifetime <= 0 {
				return fmt.Errorf("%w: --lifetime is %v", errUsage, lifetime)
			}
			if err := certificate.CreateAuthority(dir, name, lifetime, time.Now()); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "made %s/ca.crt, which every process gets, and ca.key, which stays here\n", dir)
			return nil
		}}
	c.Flags().StringVar(&dir, "dir", "tls", "folder of the authority")
	c.Flags().StringVar(&name, "name", "onsale cluster", "name of the authority, for people")
	c.Flags().DurationVar(&lifetime, "lifetime", 10*365*24*time.Hour, "time for which it is valid")
	return c
}

func newCertificate(p *program) *cobra.Command {
	var dir, node, frontEnd, operator, reader string
	var r certificate.Request
	c := &cobra.Command{Use: "cert", Short: "Make a certificate for a node, a front-end, an operator or a reader", Args: arguments(cobra.NoArgs),
		Example: "  onsale tls cert --dir tls --node n1 --host 10.0.0.1\n  onsale tls cert --dir tls --operator ann",
		RunE: func(*cobra.Command, []string) error {
			chosen := 0
			for role, id := range map[certificate.Role]string{certificate.RoleNode: node, certificate.RoleFrontEnd: frontEnd, certificate.RoleOperator: operator, certificate.RoleReader: reader} {
				if id != "" {
					r.Identity = certificate.Identity{Role: role, ID: id}
					chosen++
				}
			}
			if chosen != 1 || r.Lifetime <= 0 {
				return fmt.Errorf("%w: say one of --node, --front-end, --operator and --reader, and a positive --lifetime", errUsage)
			}
			if err := r.Validate(); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			if err := certificate.Issue(dir, r, time.Now()); err != nil {
				return err
			}
			crt, key := r.Names()
			fmt.Fprintf(p.out, "made %s/%s and %s\n", dir, crt, key)
			return nil
		}}
	c.Flags().StringVar(&dir, "dir", "tls", "folder of the authority")
	c.Flags().StringVar(&node, "node", "", "id of the node (its --node-id)")
	c.Flags().StringVar(&frontEnd, "front-end", "", "id of the front-end (its --id)")
	c.Flags().StringVar(&operator, "operator", "", "name of the operator")
	c.Flags().StringVar(&reader, "reader", "", "name of a process that follows the journal, such as an exporter")
	c.Flags().StringSliceVar(&r.Hosts, "host", nil, "names and addresses that tools of others check, curl for one")
	c.Flags().DurationVar(&r.Lifetime, "lifetime", 365*24*time.Hour, "time for which it is valid")
	c.Flags().BoolVar(&r.Replace, "replace", false, "renew: processes that run read the new one by themselves")
	return c
}

func newShowCertificate(p *program) *cobra.Command {
	return &cobra.Command{Use: "show FILE", Short: "Say whose a certificate is", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := certificate.ReadCertificate(args[0])
			if err != nil {
				return err
			}
			identity := "authority"
			if !c.IsCA {
				is, err := certificate.IdentityOf(c)
				if err != nil {
					return err
				}
				identity = is.String()
			}
			hosts := append([]string(nil), c.DNSNames...)
			for _, ip := range c.IPAddresses {
				hosts = append(hosts, ip.String())
			}
			shown := struct {
				Identity  string    `json:"identity"`
				Hosts     string    `json:"hosts"`
				NotBefore time.Time `json:"not_before"`
				NotAfter  time.Time `json:"not_after"`
				Authority string    `json:"authority"`
			}{identity, strings.Join(hosts, ","), c.NotBefore, c.NotAfter, c.Issuer.CommonName}
			return p.showFields(&shown)
		}}
}
