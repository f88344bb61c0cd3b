-- +goose Up

-- Where the export is: of which cluster and birth, and up to which block of its journal.
CREATE TABLE position (
	one        int PRIMARY KEY CHECK (one = 1),
	cluster    text NOT NULL,
	birth      text NOT NULL,
	height     bigint NOT NULL,
	hash       text NOT NULL,
	seq        bigint NOT NULL,
	at         timestamptz NOT NULL,
	exporter   text NOT NULL,
	users      text NOT NULL,
	written_at timestamptz NOT NULL
);

CREATE TABLE sales (
	number         bigint PRIMARY KEY,
	id             text NOT NULL UNIQUE,
	item           text NOT NULL,
	status         text NOT NULL,
	quantity       bigint NOT NULL,
	cap            bigint NOT NULL,
	waitlist       bigint NOT NULL,
	price          bigint NOT NULL,
	currency       text NOT NULL,
	starts_at      timestamptz,
	hold_seconds   bigint NOT NULL,
	zone           text NOT NULL,
	test           boolean NOT NULL,
	created_at     timestamptz NOT NULL,
	revision       bigint NOT NULL,
	changed_by     text,
	changed_seq    bigint NOT NULL,
	changed_at     timestamptz,
	closed_through date NOT NULL
);

CREATE TABLE sale_changes (
	seq    bigint PRIMARY KEY,
	sale   text NOT NULL,
	verb   text NOT NULL,
	actor  text,
	amount bigint NOT NULL,
	at     timestamptz NOT NULL
);

CREATE TABLE orders (
	seq            bigint PRIMARY KEY,
	uid            text NOT NULL,
	sale           text NOT NULL,
	user_ref       text,
	reference      text,
	state          text NOT NULL,
	requested      bigint NOT NULL,
	quantity       bigint NOT NULL,
	attempts       bigint NOT NULL,
	reason         text,
	dispute        text,
	first_ticket   bigint,
	tickets        bigint NOT NULL,
	created_at     timestamptz NOT NULL,
	expires_at     timestamptz,
	changed_height bigint NOT NULL,
	changed_at     timestamptz NOT NULL
);
CREATE INDEX orders_uid ON orders (uid);
CREATE INDEX orders_sale ON orders (sale, state);

CREATE TABLE payments (
	order_seq   bigint NOT NULL,
	attempt     bigint NOT NULL,
	sale        text NOT NULL,
	state       text NOT NULL,
	reason      text,
	amount      bigint NOT NULL,
	currency    text NOT NULL,
	account     text,
	begun_at    timestamptz,
	decided_at  timestamptz,
	captured_at timestamptz,
	returned_at timestamptz,
	PRIMARY KEY (order_seq, attempt)
);

-- The ledger. A row is never changed.
CREATE TABLE movements (
	height    bigint NOT NULL,
	place     bigint NOT NULL,
	at        timestamptz NOT NULL,
	day       date NOT NULL,
	sale      text NOT NULL,
	order_seq bigint NOT NULL,
	attempt   bigint NOT NULL,
	kind      text NOT NULL,
	amount    bigint NOT NULL,
	currency  text NOT NULL,
	PRIMARY KEY (height, place)
);
CREATE INDEX movements_sale ON movements (sale, day);
CREATE INDEX movements_order ON movements (order_seq);

-- Sales that are tests are in none of the views.
CREATE VIEW revenue_by_day AS
SELECT m.sale, m.day, m.currency,
	CAST(sum(CASE m.kind WHEN 'captured' THEN m.amount ELSE 0 END) AS bigint) AS captured,
	CAST(sum(CASE m.kind WHEN 'returned' THEN m.amount ELSE 0 END) AS bigint) AS returned,
	CAST(sum(CASE m.kind WHEN 'captured' THEN m.amount ELSE -m.amount END) AS bigint) AS net,
	count(DISTINCT m.order_seq) AS orders,
	m.day <= s.closed_through AS final
FROM movements m JOIN sales s ON s.id = m.sale
WHERE NOT s.test
GROUP BY m.sale, m.day, m.currency, s.closed_through;

CREATE VIEW revenue_by_sale AS
SELECT s.id AS sale, s.currency,
	CAST(coalesce(sum(CASE m.kind WHEN 'captured' THEN m.amount END), 0) AS bigint) AS captured,
	CAST(coalesce(sum(CASE m.kind WHEN 'returned' THEN m.amount END), 0) AS bigint) AS returned,
	CAST(coalesce(sum(CASE m.kind WHEN 'captured' THEN m.amount ELSE -m.amount END), 0) AS bigint) AS net,
	(SELECT CAST(coalesce(sum(o.quantity), 0) AS bigint) FROM orders o WHERE o.sale = s.id AND o.state = 'paid') AS tickets_sold
FROM sales s LEFT JOIN movements m ON m.sale = s.id
WHERE NOT s.test
GROUP BY s.id, s.currency;

CREATE VIEW refunds AS
SELECT m.at, m.day, m.sale, o.uid, o.user_ref, o.reference, m.amount, m.currency
FROM movements m JOIN orders o ON o.seq = m.order_seq JOIN sales s ON s.id = m.sale
WHERE m.kind = 'returned' AND NOT s.test;

-- What the payment provider must still be spoken to about, and refunds that failed.
CREATE VIEW unsettled AS
SELECT o.uid, p.attempt, p.sale, p.state, p.reason, p.amount, p.currency, p.begun_at
FROM payments p JOIN orders o ON o.seq = p.order_seq JOIN sales s ON s.id = p.sale
WHERE p.state IN ('begun', 'accepted', 'refund_failed') AND NOT s.test;

-- Nothing may ever be in it: tickets for less money than they cost, money of orders that were
-- never paid, and more money back than was taken.
CREATE VIEW reconciliation AS
SELECT o.uid, o.sale, o.state, o.quantity, s.price, m.captured, m.returned
FROM (
	SELECT order_seq,
		CAST(sum(CASE kind WHEN 'captured' THEN amount ELSE 0 END) AS bigint) AS captured,
		CAST(sum(CASE kind WHEN 'returned' THEN amount ELSE 0 END) AS bigint) AS returned
	FROM movements GROUP BY order_seq
) m JOIN orders o ON o.seq = m.order_seq JOIN sales s ON s.id = o.sale
WHERE m.returned > m.captured
	OR o.state NOT IN ('paid', 'refunded')
	OR o.state = 'paid' AND m.captured - m.returned < s.price * o.quantity;

-- +goose Down
DROP VIEW reconciliation;
DROP VIEW unsettled;
DROP VIEW refunds;
DROP VIEW revenue_by_sale;
DROP VIEW revenue_by_day;
DROP TABLE movements;
DROP TABLE payments;
DROP TABLE orders;
DROP TABLE sale_changes;
DROP TABLE sales;
DROP TABLE position;
