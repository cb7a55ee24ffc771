from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('predictions', '0003_standings_of_those_known'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='prediction',
            index=models.Index(fields=['-churn_risk_score', 'customer', 'value_at_risk', 'lapse_risk_score', 'archetype', 'tier', 'is_active'], name='prediction_by_churn'),
        ),
        migrations.AddIndex(
            model_name='prediction',
            index=models.Index(fields=['-lapse_risk_score', 'customer', 'value_at_risk', 'churn_risk_score', 'archetype', 'tier', 'is_active'], name='prediction_by_lapse'),
        ),
        migrations.AddIndex(
            model_name='prediction',
            index=models.Index(fields=['-value_at_risk', 'customer', 'lapse_risk_score', 'churn_risk_score', 'archetype', 'tier', 'is_active'], name='prediction_by_value_at_risk'),
        ),
        migrations.AddIndex(
            model_name='standing',
            index=models.Index(fields=['-lifetime_value', 'customer', 'archetype', 'tier', 'lapse_level', 'churn_level', 'value_at_risk_step', 'is_active'], name='standing_by_value'),
        ),
        migrations.AddIndex(
            model_name='standing',
            index=models.Index(fields=['-order_count', 'customer', 'archetype', 'tier', 'lapse_level', 'churn_level', 'value_at_risk_step', 'is_active'], name='standing_by_orders'),
        ),
        migrations.AddIndex(
            model_name='standing',
            index=models.Index(fields=['-last_order_at', 'customer', 'archetype', 'tier', 'lapse_level', 'churn_level', 'value_at_risk_step', 'is_active'], name='standing_by_last_order'),
        ),
        migrations.AddIndex(
            model_name='standing',
            index=models.Index(fields=['name_key', 'customer', 'archetype', 'tier', 'lapse_level', 'churn_level', 'value_at_risk_step', 'is_active'], name='standing_by_name'),
        ),
    ]
