"""The guide's transformations of features into what an algorithm can learn from, fitted on the training window only.

A reader finds each by the guide's name. ``plan.py`` says which of them applies to which feature, and why;
``pipeline.py`` fits, stores and applies them.

| guide | its name | file | Spark stage |
|---|---|---|---|
| 4.2 | Standardization (Z-score normalization) | scaling.py | StandardScaler |
| 4.2 | Min-Max Normalization | scaling.py | MinMaxScaler |
| 4.2 | Robust Scaling | scaling.py | RobustScaler |
| 4.2 | Log Transformation | logarithm.py | SQLTransformer |
| 4.2 | Equal-width binning | binning.py | Bucketizer |
| 4.2 | Equal-frequency binning | binning.py | QuantileDiscretizer |
| 4.3 | Imputation (Mean/Median/Mode) | missing_data.py | Imputer |
| 4.3 | Indicator Variables | missing_data.py | SQLTransformer |
| 4.3 | Special categories for "Unknown" | missing_data.py | SQLTransformer |
| 4.4 | Label Encoding | categorical_encoding.py | StringIndexerModel |
| 4.4 | One-Hot Encoding | categorical_encoding.py | OneHotEncoder |
| 4.4 | Target Encoding (Mean Encoding), out of fold | target_encoding.py | none: a table of means |
| 4.4 | Frequency Encoding | frequency_encoding.py | none: a table of shares |
| 4.4 | Hashing | categorical_encoding.py | FeatureHasher |
| 4.6 | Temporal Features, cyclical too | time_features.py | SQLTransformer |

What the guide's sections name besides is elsewhere or left out. Lag, rolling and date-difference features of 4.6 and
the custom bins of 4.2 look at a customer's orders: ``jobs/refinery/features.py``. Rows are removed by the quality
gates. Polynomial features, KNN and model-based imputation, and binary encoding have no use in this data; there is no
text (4.5), and no calendar of holidays per country.
"""
