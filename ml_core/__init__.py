"""Learning and scoring: arrays in, arrays out.

The BiLSTM-DNN of paper 2 (Fu 2022) with the imbalance remedies of paper 1 (Lin, Ye, Xu 2019),
one input stage per kind of sequence. Nothing here knows Django, files of the platform or
networks; `import ml_core` stays cheap because PyTorch is imported only by the modules that
compute with it.
"""

from ml_core.errors import DataError, ModelFileError

__all__ = ["DataError", "ModelFileError"]
