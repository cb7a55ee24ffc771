"""Lists walk standings: a shop that is segmented or scored already gets its rows now and not with the next scoring."""

from django.db import migrations

_LEVEL = "CASE WHEN {0} >= 0.7 THEN 0 WHEN {0} >= 0.5 THEN 1 WHEN {0} >= 0.3 THEN 2 WHEN {0} >= 0.0 THEN 3 END"
_EDGES = [digit * 10**power for power in range(10) for digit in (1, 2, 5)]
_STEP = "CASE {} WHEN p.value_at_risk IS NOT NULL THEN {} END".format(
    " ".join(f"WHEN p.value_at_risk < {edge * 10_000} THEN {step}" for step, edge in enumerate(_EDGES)), len(_EDGES)
)

FILL = f"""
INSERT INTO predictions_standing (customer_id, lifetime_value, last_order_at, order_count, archetype, tier, lapse_level,
  churn_level, value_at_risk_step, is_active, name_key)
SELECT c.id, c.lifetime_value, c.last_order_at, c.order_count, coalesce(m.archetype_id, 0), p.tier,
  {_LEVEL.format("p.lapse_risk_score")}, {_LEVEL.format("p.churn_risk_score")}, {_STEP}, p.is_active, c.name_key
FROM customers_customer c
LEFT JOIN segmentation_membership m
  ON m.customer_id = c.id AND m.run_id = (SELECT run_id FROM segmentation_activerun WHERE id = 1)
LEFT JOIN predictions_prediction p ON p.customer_id = c.id
WHERE c.order_count > 0 AND (m.id IS NOT NULL OR p.customer_id IS NOT NULL)
ORDER BY c.id
"""
ARCHETYPES = """
UPDATE predictions_prediction SET archetype = s.archetype FROM predictions_standing s
WHERE s.customer_id = predictions_prediction.customer_id AND s.archetype <> 0
"""


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0002_phone_keys_in_plain_digits'),
        ('segmentation', '0002_archetype_months'),
        ('predictions', '0002_standings'),
    ]

    operations = [
        migrations.RunSQL([FILL, ARCHETYPES], migrations.RunSQL.noop),
    ]
